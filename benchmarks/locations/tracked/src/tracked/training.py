"""Trainings in turn, tracked and not, for the figure `tracking`: prints the seconds of their steps."""

import json
import sys
import tempfile
import time
from importlib import import_module
from typing import Any

import numpy as np
import pandas as pd
from sklearn.ensemble import HistGradientBoostingClassifier

ROWS = 200_000
COLUMNS = [f"x{number}" for number in range(10)]


def make_examples() -> pd.DataFrame:
    """Make up a table with ten numbers and a class."""
    draw = np.random.default_rng(0)
    table = pd.DataFrame(draw.normal(size=(ROWS, len(COLUMNS))), columns=COLUMNS)
    return table.assign(late=table["x0"] + table["x1"] * table["x2"] + draw.normal(size=ROWS) > 0)


def train(examples: pd.DataFrame) -> HistGradientBoostingClassifier:
    """Fit an estimator of scikit-learn."""
    return HistGradientBoostingClassifier(max_iter=50, random_state=0).fit(examples[COLUMNS], examples["late"])


def main() -> None:
    """Run what the first argument says: how many rounds, after one that is not counted."""
    import dagster as dg

    from tracked.definitions import defs

    begin = time.perf_counter()
    import_module("mlflow.pyfunc")
    imported = time.perf_counter() - begin
    found: dict[str, Any] = {"import": imported, "model": [], "untracked": []}
    job = defs.resolve_implicit_global_asset_job_def()
    quiet = {"telemetry": {"enabled": False}, "python_logs": {"python_log_level": "ERROR"}}
    with tempfile.TemporaryDirectory() as folder, dg.DagsterInstance.local_temp(folder, quiet) as instance:
        for number in range(int(sys.argv[1]) + 1):
            for name in ("examples", "untracked", "model") if number == 0 else ("untracked", "model"):
                key = dg.AssetKey(["tracked", name])
                result = job.execute_in_process(instance=instance, asset_selection=[key])
                (step,) = (event for event in result.all_events if event.is_step_success)
                if number:
                    found[name].append(step.step_success_data.duration_ms / 1000)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
