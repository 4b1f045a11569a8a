"""Tracking: what it adds to the training of a model."""

import json
import subprocess
import tempfile

from checkout import Checkout
from figures import Figure

LOCATION = "tracked"
LIMIT = 0.3


def measure(checkout: Checkout, rounds: int) -> Figure:
    """Train the same model in turn, tracked and not, in one process."""
    checkout.use({LOCATION: LOCATION})
    figure = Figure("tracking", "Training an estimator on 200,000 rows: seconds of the asset's step")
    with tempfile.TemporaryDirectory() as folder:
        command = [checkout.python(LOCATION), "-m", f"{LOCATION}.training", str(rounds)]
        environment = {**checkout.environment, "ATOLL_STORE": folder}
        done = subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE, text=True)
    found = json.loads(done.stdout.splitlines()[-1])
    figure.add("pickled, not tracked", "s", found["untracked"])
    figure.add("in MLflow's format, tracked", "s", found["model"])
    added = [tracked - plain for tracked, plain in zip(found["model"], found["untracked"], strict=True)]
    figure.add("what tracking adds", "s", added, LIMIT)
    figure.add_ratio("tracked / not tracked", found["model"], found["untracked"])
    figure.add("import of MLflow, once a process that saves a model", "s", [found["import"]])
    return figure
