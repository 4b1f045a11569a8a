"""What a model sees of a vehicle."""

import pandas as pd

from vehicle_prices.vocabulary import NUMBERS, TEXTS

NEWEST_YEAR = 2021
"""The newest model year among the listings; they carry no dates, so it stands for when they were posted."""

UNKNOWN = "unknown"
CATEGORIES = TEXTS
INPUTS = [*CATEGORIES, *NUMBERS]


def build_features(vehicles: pd.DataFrame) -> pd.DataFrame:
    """Build the inputs of a model.

    Whether a seller states an attribute says something about the price, so a missing text is a category of its own.

    Args:
        vehicles: Vehicles with types converted; columns beside the attributes are carried along.

    Returns:
        The same rows with `INPUTS`; numbers are floats and may be missing, texts are not.
    """
    texts = {name: vehicles[name].fillna(UNKNOWN) for name in CATEGORIES}
    age = NEWEST_YEAR - vehicles["year"].astype(float)
    miles_per_year = vehicles["odometer_mi"] / age.clip(lower=1)
    return vehicles.assign(**texts, age_years=age, miles_per_year=miles_per_year)
