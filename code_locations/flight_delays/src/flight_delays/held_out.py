"""The flights by which challenger and champion of a week are judged."""

import pandas as pd

from flight_delays.baseline import guess
from flight_delays.features import give_days
from flight_delays.history import add_history
from flight_delays.outcomes import join_outcomes


def hold_out(features: pd.DataFrame, outcomes: pd.DataFrame, past: pd.DataFrame, rates: pd.DataFrame) -> pd.DataFrame:
    """Give the flights of a week that have arrived, with what models need to predict them and the gate to judge.

    Args:
        features: Features of the week.
        outcomes: How its flights ended.
        past: The examples of the weeks before, for the history features.
        rates: The baseline.

    Returns:
        Features with the columns `HISTORY`, `late`, the baseline's `guess`, and `day` in New York: flights of a day
        share its weather.
    """
    flights = join_outcomes(add_history(features, past), outcomes)
    return flights.assign(guess=guess(rates, flights), day=give_days(flights["sched_dep_time"]))
