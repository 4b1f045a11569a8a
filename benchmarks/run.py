"""Measure the platform against plain scripts: ``.venv/bin/python benchmarks/run.py [FIGURE...]``."""

import argparse
import json
import os
import platform
import signal
import subprocess
import sys
from contextlib import ExitStack
from importlib import metadata
from typing import Any

import arrival
import backup
import container
import deployment
import images
import launch
import memory
import rebuild
import server
import start
import steps
import store
import tracking
from checkout import ROOT, temporary_checkout
from figures import show
from registry import own_registry
from server_session import write_settings

FIGURES = {
    "launch": launch.measure,
    "steps": steps.measure,
    "start": start.measure,
    "memory": memory.measure,
    "store": store.measure,
    "arrival": arrival.measure,
    "tracking": tracking.measure,
}
# These need a Docker engine.
ON_SERVER = {
    "container": container.measure,
    "rebuild": rebuild.measure,
    "images": images.measure,
    "server": server.measure,
    "deployment": deployment.measure,
    "backup": backup.measure,
}


def main() -> None:
    """Measure what is asked for, and print it."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    known = FIGURES | ON_SERVER
    parser = argparse.ArgumentParser(description="Measure the platform against plain scripts.")
    parser.add_argument(
        "figures", nargs="*", metavar="FIGURE", help=f"{', '.join(known)}; none means those that need no Docker engine"
    )
    parser.add_argument("--rounds", type=int, default=5, help="how often everything is measured (default: 5)")
    parser.add_argument("--json", action="store_true", help="print JSON, with every sample")
    parser.add_argument("--postgres-image", default="postgres:17", metavar="IMAGE", help="of the server's databases")
    parser.add_argument("--proxy-image", default="caddy:2", metavar="IMAGE", help="of the server's proxy")
    options = parser.parse_args()
    if unknown := [name for name in options.figures if name not in known]:
        parser.error(f"there is no figure {unknown[0]}: {', '.join(known)}")
    if options.rounds < 1:
        parser.error("--rounds must be at least 1")
    place = {**describe(), "rounds": options.rounds}
    if not options.json:
        print(", ".join(f"{name} {value}" for name, value in place.items()))
    figures = []
    with temporary_checkout() as checkout, ExitStack() as stack:
        if ON_SERVER.keys() & options.figures:
            write_settings(checkout, options.postgres_image, options.proxy_image)
            stack.enter_context(own_registry(checkout))
        for name in options.figures or FIGURES:
            print(f"installing and measuring {name} ...", file=sys.stderr)
            figures.append(known[name](checkout, options.rounds))
            if not options.json:
                show(figures[-1])
    if options.json:
        print(json.dumps({**place, "figures": [figure.summarize() for figure in figures]}, indent=1))


def describe() -> dict[str, Any]:
    """Say where this was measured."""
    describe = ["git", "describe", "--always", "--dirty", "--exclude=*"]
    return {
        "commit": subprocess.run(describe, cwd=ROOT, check=True, capture_output=True, text=True).stdout.strip(),
        "system": platform.platform(),
        "cores": len(os.sched_getaffinity(0)),
        "python": platform.python_version(),
        "dagster": metadata.version("dagster"),
    }


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
