"""Intervals of measures, from days drawn with replacement: flights of one day share its weather."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Floats = NDArray[np.float64]

SEED = 0
RESAMPLES = 2_000
LEVEL = 0.95


def draw_weights(units: int) -> Floats:
    """Draw how often each unit is in each resample; the first row has every unit once, for the value itself.

    Returns:
        Shape (1 + `RESAMPLES`, units).
    """
    drawn = np.random.default_rng(SEED).multinomial(units, np.full(units, 1 / units), size=RESAMPLES)
    return np.vstack([np.ones(units), drawn]).astype(float)


def measure_auc(scores: Floats, late: NDArray[np.bool_], days: NDArray[np.int64], weights: Floats) -> Floats:
    """Measure the area under the ROC curve for each resample of days.

    It is the share of pairs of a late flight and another one in which the late one has the higher score, ties counting
    half (Hanley and McNeil 1982). Pairs are counted once for each pair of days, and weighted.

    Args:
        scores: One a flight.
        late: Whether it was late.
        days: The number of its day, from 0.
        weights: Of `draw_weights`.

    Returns:
        One area a row of `weights`; NaN where a resample has no late flight, or no other.
    """
    number = weights.shape[1]
    others = [np.sort(scores[~late & (days == day)]) for day in range(number)]
    wins = np.zeros((number, number))
    for day in range(number):
        own = scores[late & (days == day)]
        for other in range(number):
            below, up_to = (np.searchsorted(others[other], own, side) for side in ("left", "right"))
            wins[day, other] = (below + up_to).sum() / 2
    pairs = (weights @ np.bincount(days[late], minlength=number)) * (weights @ [len(found) for found in others])
    won = np.einsum("rd,de,re->r", weights, wins, weights)
    return np.divide(won, pairs, out=np.full(len(weights), np.nan), where=pairs > 0)


def measure_mean(values: Floats, days: NDArray[np.int64], weights: Floats) -> Floats:
    """Measure the mean of a value over flights for each resample of days; NaN where a resample has no flight."""
    number = weights.shape[1]
    total = weights @ np.bincount(days, values, number)
    flights = weights @ np.bincount(days, minlength=number)
    return np.divide(total, flights, out=np.full(len(weights), np.nan), where=flights > 0)


def give_interval(name: str, measured: Floats) -> dict[str, float]:
    """Give a value and the ends of its 95 % interval.

    Args:
        name: Of the value; the ends are `<name>_low` and `<name>_high`.
        measured: The value itself, then that of each resample; resamples in which it is not defined are left out.
    """
    low, high = np.nanquantile(measured[1:], [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return {name: float(measured[0]), f"{name}_low": float(low), f"{name}_high": float(high)}


def number_days(days: pd.Series) -> NDArray[np.int64]:
    """Number days from 0, in order."""
    return np.unique(days.to_numpy(), return_inverse=True)[1].astype(np.int64)
