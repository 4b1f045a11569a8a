"""The store: a large table against pandas' own parquet, and what it takes to look through many artefacts."""

import json
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from checkout import Checkout
from figures import Figure

LOCATION = "flights"
ROWS = 10_000_000
ARTEFACTS = 100_000
LIMIT = 1.3
VERBS = {"write": "to_parquet", "read": "read_parquet"}


def measure(checkout: Checkout, rounds: int) -> Figure:
    """Let pandas and the store write and read the same table in turn, each in a process of its own.

    The first round is not counted. The many artefacts are made once.
    """
    checkout.use({LOCATION: LOCATION})
    figure = Figure("store", f"The store: a table of {ROWS:,} rows, {ARTEFACTS:,} artefacts")
    with tempfile.TemporaryDirectory(dir=checkout.root.parent) as folder:
        work(checkout, "prepare", folder, ROWS)
        made: dict[tuple[str, str], list[dict[str, Any]]] = {}
        for _ in range(rounds + 1):
            for verb in VERBS:
                for library in ("pandas", "store"):
                    made.setdefault((verb, library), []).append(work(checkout, f"{verb}_{library}", folder, ROWS))
            shutil.rmtree(Path(folder) / "store")
        for verb, own in VERBS.items():
            for quantity, unit in (("seconds", "s"), ("peak", "MB")):
                theirs, ours = ([one[quantity] for one in made[verb, library][1:]] for library in ("pandas", "store"))
                figure.add(f"{verb}: pandas' {own}, {quantity}", unit, theirs)
                figure.add(f"{verb}: store, {quantity}", unit, ours)
                figure.add_ratio(f"{verb}: store / pandas, {quantity}", ours, theirs, LIMIT)
        work(checkout, "fill", folder, ARTEFACTS)
        for verb, label in (("list", "list the current artefacts"), ("verify", "verify all artefacts")):
            figure.add(label, "s", [work(checkout, verb, folder, ARTEFACTS)["seconds"] for _ in range(rounds)])
    return figure


def work(checkout: Checkout, verb: str, folder: str, count: int) -> dict[str, Any]:
    """Run one piece of work in a process of its own: seconds, and peak memory in MB."""
    command = [checkout.python(LOCATION), "-m", f"{LOCATION}.storing", verb, folder, str(count)]
    done = subprocess.run(command, env=checkout.environment, check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout)
