"""How often flights of a kind were late in earlier weeks."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

KINDS = {
    "carrier": ["carrier"],
    "origin_hour": ["origin", "hour"],
    "route": ["origin", "dest"],
    "flight": ["carrier", "flight"],
}
"""What a flight shares with those of its kind, by the name of the kind."""

HISTORY = [f"{kind}_history" for kind in KINDS]
PRIOR_FLIGHTS = 30


def add_history(flights: pd.DataFrame, past: pd.DataFrame) -> pd.DataFrame:
    """Add how often flights of the same kind were late in the past, compared with all flights.

    A kind's rate is smoothed: it starts from the rate of all flights as if 30 more had that rate. What is added is its
    difference from that rate, so it is 0 for a kind that is new, and where there is no past.

    Args:
        flights: Features of flights of one week.
        past: Features with `late` of flights of earlier weeks. That they are earlier is up to the caller.

    Returns:
        `flights` with the columns `HISTORY`.
    """
    rows = pd.concat([past[flights.columns], flights], ignore_index=True)
    periods = np.repeat([0, 1], [len(past), len(flights)])
    late = np.concatenate([past["late"].to_numpy(bool), np.zeros(len(flights), bool)])
    return _add(rows, periods, late)[len(past) :].reset_index(drop=True)


def add_weekly_history(examples: pd.DataFrame) -> pd.DataFrame:
    """Add to each week of a window the history that the weeks before it in the window give, as `add_history` does.

    Args:
        examples: Features with `late` and `week`.

    Returns:
        The same rows with the columns `HISTORY`, 0 in the first week.
    """
    periods = np.unique(examples["week"].to_numpy(str), return_inverse=True)[1]
    return _add(examples, periods, examples["late"].to_numpy(bool))


def _add(rows: pd.DataFrame, periods: NDArray[np.int64], late: NDArray[np.bool_]) -> pd.DataFrame:
    """Add the history that the periods before each row's own give; `late` of the last period is not looked at."""
    keys = rows.assign(hour=rows["minute_of_day"] // 60)
    found = {}
    for kind, columns in KINDS.items():
        codes = keys.groupby(columns, sort=False).ngroup().to_numpy()
        flights, were_late = (_sum_before(codes, periods, weights) for weights in (np.ones(len(rows)), late))
        total = flights.sum(axis=0)
        overall = np.divide(were_late.sum(axis=0), total, out=np.zeros(len(total)), where=total > 0)
        excess = (were_late - overall * flights) / (flights + PRIOR_FLIGHTS)
        found[f"{kind}_history"] = excess[codes, periods]
    return rows.assign(**found)


def _sum_before(
    codes: NDArray[np.int64], periods: NDArray[np.int64], weights: NDArray[np.generic]
) -> NDArray[np.float64]:
    """Sum weights by code over all periods before each; shape (codes, periods)."""
    sums = np.zeros((codes.max() + 1, periods.max() + 1))
    np.add.at(sums, (codes, periods), weights)
    return np.cumsum(sums, axis=1) - sums
