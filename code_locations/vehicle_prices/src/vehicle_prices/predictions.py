"""Price estimates for listings."""

import pandas as pd

from vehicle_prices.cleaning import convert_types, is_in_range
from vehicle_prices.features import build_features
from vehicle_prices.training import PriceModel


def estimate_price(model: PriceModel, cars: pd.DataFrame) -> pd.Series:
    """Estimate the price of each car, in US dollars; `cars` have the columns of `build_features`."""
    return model.predict(cars)["estimate"]


def estimate_prices(model: PriceModel, listings: pd.DataFrame) -> pd.DataFrame:
    """Estimate what each vehicle would be asked for.

    Args:
        model: A trained model.
        listings: Attributes as the source has them; values may be missing or unknown, and no price is needed.

    Returns:
        `estimate`, `low` and `high` in US dollars (90 % of prices of such cars lie between the latter two), and
        `in_range`: whether year and odometer reading are ones that prices are learnt from. Same index as `listings`.
    """
    vehicles = convert_types(listings)
    return model.predict(build_features(vehicles)).assign(in_range=is_in_range(vehicles))
