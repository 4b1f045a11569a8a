"""What guards time: features must not change when what comes after them does."""

from collections.abc import Callable

import numpy as np
import pandas as pd

from flight_delays.features import SCHEDULE
from flight_delays.history import HISTORY

SEED = 0
MOMENTS = 8
KEY = "flight_id"

Build = Callable[[pd.DataFrame, pd.DataFrame], pd.DataFrame]


def find_leaks(features: pd.DataFrame, flights: pd.DataFrame, weather: pd.DataFrame, build: Build) -> dict[str, int]:
    """Find features of a week that depend on what was not known before the flight's scheduled departure.

    Features are built anew from a week whose future is another one, and compared with those that are there. First
    every outcome of every flight is replaced. Then, for each of some moments of the week, all flights scheduled and all
    readings of the weather from then on are taken away too, and flights scheduled earlier are compared.

    Args:
        features: What is there, one row a flight.
        flights: What it was built from; every column that is not in `SCHEDULE` is taken for an outcome.
        weather: Hourly readings by `time_hour`.
        build: Builds features from flights and weather.

    Returns:
        For each feature that changed, the number of flights for which it did. Empty is good.
    """
    rng = np.random.default_rng(SEED)
    outcomes = [name for name in flights.columns if name not in SCHEDULE]
    changed = flights.assign(**{name: scramble(flights[name], rng) for name in outcomes})
    alternatives = [(changed, weather)]
    departures = flights["sched_dep_time"]
    for moment in departures.quantile(np.arange(1, MOMENTS) / MOMENTS).dt.ceil("h").unique():
        alternatives.append((changed[departures < moment], weather[weather["time_hour"] < moment]))
    found = [count_changes(features, build(*alternative)) for alternative in alternatives]
    return _worst(found)


def find_history_leaks(examples: pd.DataFrame, build: Callable[[pd.DataFrame], pd.DataFrame]) -> dict[str, int]:
    """Find history features that depend on outcomes of the same or of a later week.

    For each week, the outcomes of that week and of all later ones are replaced, and features up to that week compared.

    Args:
        examples: What is there: rows of several weeks with `week`, `late` and `HISTORY`.
        build: Adds `HISTORY` to such rows.

    Returns:
        For each feature that changed, the number of flights for which it did. Empty is good.
    """
    rng = np.random.default_rng(SEED)
    bare = examples.drop(columns=HISTORY)
    found = []
    for week in examples["week"].unique():
        future = bare["week"] >= week
        changed = bare.assign(late=bare["late"].where(~future, scramble(bare["late"], rng)))
        rebuilt = build(changed)
        found.append(count_changes(examples, rebuilt[rebuilt["week"] <= week].drop(columns="late")))
    return _worst(found)


def scramble(column: pd.Series, rng: np.random.Generator) -> pd.Series:
    """Replace every value, and every missing one, by an arbitrary one of the same type."""
    kind, rows = column.dtype, len(column)
    values: object
    if pd.api.types.is_bool_dtype(kind):
        values = rng.integers(0, 2, rows).astype(bool)
    elif pd.api.types.is_numeric_dtype(kind):
        values = rng.integers(-1_000, 1_000, rows)
    elif pd.api.types.is_datetime64_any_dtype(kind):
        values = pd.Timestamp("2013-01-01", tz="UTC") + pd.to_timedelta(rng.integers(0, 500_000, rows), unit="min")
    else:
        values = [f"other {number}" for number in rng.integers(0, 100, rows)]
    return pd.Series(values, index=column.index).astype(kind)


def count_changes(before: pd.DataFrame, after: pd.DataFrame) -> dict[str, int]:
    """Count for each column of `after` the flights whose value differs from the one before.

    A flight that was not there before, and a column that was not, count as changed.
    """
    before = before.set_index(KEY).reindex(after[KEY])
    found = {}
    for name in after.columns.drop(KEY):
        new = after.set_index(KEY)[name]
        old = before[name] if name in before else pd.Series(np.nan, before.index)
        found[name] = int((~((new == old) | (new.isna() & old.isna())).fillna(False)).sum())
    return {name: rows for name, rows in found.items() if rows}


def _worst(found: list[dict[str, int]]) -> dict[str, int]:
    names = {name: None for changes in found for name in changes}
    return {name: max(changes.get(name, 0) for changes in found) for name in names}


def describe_leaks(leaks: dict[str, int]) -> str:
    """Say which features see the future."""
    told = ", ".join(f"`{name}` of {flights:,} flights" for name, flights in leaks.items())
    return f"The future changes {told}." if leaks else "No feature changes with the future."
