"""How likely each flight of a week is late."""

import pandas as pd

from flight_delays.history import add_history
from flight_delays.training import DelayModel

COLUMNS = ["flight_id", "sched_dep_time", "carrier", "origin", "dest", "minute_of_day"]


def predict_delays(model: DelayModel, features: pd.DataFrame, past: pd.DataFrame) -> pd.DataFrame:
    """Predict for each flight of a week the probability that it arrives more than 15 minutes late.

    Args:
        model: A trained model.
        features: Features of the flights; nothing about how they ended.
        past: The examples of earlier weeks that the model has learnt from, for the history features.

    Returns:
        `COLUMNS` and `probability`, for every flight: whether it will be cancelled is not known before departure.
    """
    return features[COLUMNS].assign(probability=model.predict(add_history(features, past)))
