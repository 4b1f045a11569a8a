"""How likely each flight of a week is late."""

import pandas as pd

from flight_delays.baseline import FALLBACK, guess
from flight_delays.history import add_history
from flight_delays.training import DelayModel

COLUMNS = ["flight_id", "sched_dep_time", "carrier", "origin", "dest", "minute_of_day"]


def predict_delays(model: DelayModel, features: pd.DataFrame, past: pd.DataFrame, made_by: str) -> pd.DataFrame:
    """Predict for each flight of a week the probability that it arrives more than 15 minutes late.

    Args:
        model: A trained model.
        features: Features of the flights; nothing about how they ended.
        past: The examples of the weeks before, for the history features.
        made_by: What the model is called, such as `version 3`.

    Returns:
        `COLUMNS`, `probability` and `made_by`, for every flight: whether it will be cancelled is not known before
        departure.
    """
    return features[COLUMNS].assign(probability=model.predict(add_history(features, past)), made_by=made_by)


def guess_delays(rates: pd.DataFrame, features: pd.DataFrame) -> pd.DataFrame:
    """Predict as `predict_delays` does, where there is no model: by the baseline."""
    return features[COLUMNS].assign(probability=guess(rates, features), made_by=FALLBACK)
