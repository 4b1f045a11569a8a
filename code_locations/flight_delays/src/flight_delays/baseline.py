"""The baseline: how often flights of the same carrier at the same hour were late."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

PRIOR_FLIGHTS = 50
FALLBACK = "baseline"
"""What predictions say that were made by it, for want of a model."""


def count_rates(examples: pd.DataFrame) -> pd.DataFrame:
    """Count how often flights were late, by carrier and hour of the scheduled departure.

    Args:
        examples: `carrier`, `minute_of_day` and `late` of flights that have arrived.

    Returns:
        One row for each carrier and hour (New York time, 0 to 23) that is there: `flights`, `late` (their numbers) and
        `rate`, smoothed: it starts from the rate of all flights as if 50 more had that rate.
    """
    hour = (examples["minute_of_day"] // 60).astype(int).rename("hour")
    counted = examples.groupby(["carrier", hour])["late"].agg(flights="size", late="sum").reset_index()
    rate = (counted["late"] + PRIOR_FLIGHTS * examples["late"].mean()) / (counted["flights"] + PRIOR_FLIGHTS)
    return counted.assign(rate=rate)


def guess(rates: pd.DataFrame, flights: pd.DataFrame) -> NDArray[np.float64]:
    """Guess the probability of being late from carrier and hour.

    Args:
        rates: What `count_rates` returns.
        flights: `carrier` and `minute_of_day`.

    Returns:
        One probability a row; the rate of all flights where carrier and hour are new.
    """
    hour = (flights["minute_of_day"] // 60).astype(int)
    keys = pd.DataFrame({"carrier": flights["carrier"].to_numpy(), "hour": hour.to_numpy()})
    found = keys.merge(rates, on=["carrier", "hour"], how="left", validate="many_to_one")["rate"]
    return found.fillna(rates["late"].sum() / rates["flights"].sum()).to_numpy()
