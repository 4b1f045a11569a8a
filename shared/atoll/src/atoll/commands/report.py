"""What runs did that are over, as JSON: ``python -m atoll.commands.report RUN_ID...``, beside their instance."""

import argparse
import json
import sys

import dagster as dg

from atoll.report import join, summarize


def main() -> int:
    """Print the summary of the runs (``atoll.report.join``)."""
    parser = argparse.ArgumentParser(prog="python -m atoll.commands.report", description=__doc__)
    parser.add_argument("runs", nargs="+", metavar="RUN_ID")
    options = parser.parse_args()
    with dg.DagsterInstance.get() as instance:
        json.dump(join([summarize(instance, run_id) for run_id in options.runs]), sys.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main())
