import numpy as np
import pandas as pd

from vehicle_prices.cleaning import clean, convert_types
from vehicle_prices.features import CATEGORIES, INPUTS, build_features


def test_every_vehicle_has_its_features(sample):
    vehicles = clean(sample).vehicles
    features = build_features(vehicles)
    assert features["listing"].tolist() == vehicles["listing"].tolist()
    assert features[CATEGORIES].notna().all(axis=None)
    assert features[["age_years", "odometer_mi", "miles_per_year"]].notna().all(axis=None)
    assert not {"price_usd", "listing", "car"} & set(INPUTS)


def test_age_and_miles_per_year_follow_from_year_and_odometer(sample):
    vehicles = convert_types(sample.head(3)).assign(year=[2021.0, 2011.0, np.nan], odometer_mi=[500.0, 80_000.0, 10.0])
    features = build_features(vehicles)
    np.testing.assert_equal(features["age_years"].tolist(), [0, 10, np.nan])
    np.testing.assert_equal(features["miles_per_year"].tolist(), [500, 8_000, np.nan])


def test_a_missing_text_is_a_category_of_its_own(sample):
    vehicles = convert_types(sample.head(2)).assign(drive=[None, "4wd"])
    assert build_features(vehicles)["drive"].tolist() == ["unknown", "4wd"]


def test_features_do_not_depend_on_the_price(sample):
    vehicles = clean(sample).vehicles
    other = build_features(vehicles.assign(price_usd=1))
    pd.testing.assert_frame_equal(other[INPUTS], build_features(vehicles)[INPUTS])
