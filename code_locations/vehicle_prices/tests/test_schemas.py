import pandas as pd
import pytest
from pandera.errors import SchemaError

from vehicle_prices.cleaning import clean
from vehicle_prices.schemas import LISTINGS, VEHICLES


@pytest.fixture
def vehicles(sample: pd.DataFrame) -> pd.DataFrame:
    return clean(sample).vehicles


def test_vehicles_follow_their_schema(listings):
    VEHICLES.validate(clean(listings).vehicles)


@pytest.mark.parametrize(
    "change",
    [
        {"VIN": "never"},
        {"description": "never"},
        {"price_usd": -1},
        {"price_usd": "12,000"},
        {"year": 14},
        {"odometer_mi": -1.0},
        {"model": None},
        {"model": 5},
        {"num_cylinders": 6},
        {"state": "California"},
        {"listing": 0},
    ],
)
def test_listings_that_are_wrong_are_refused(sample, change):
    with pytest.raises(SchemaError):
        LISTINGS.validate(sample.assign(**change))


@pytest.mark.parametrize("column", ["car", "price_usd", "year", "model", "state"])
def test_listings_without_a_column_are_refused(sample, column):
    with pytest.raises(SchemaError):
        LISTINGS.validate(sample.drop(columns=column))


@pytest.mark.parametrize(
    "change",
    [{"price_usd": 499}, {"price_usd": 200_001}, {"odometer_mi": 400_000.0}, {"year": 1989}, {"cylinders": "6"}],
)
def test_vehicles_that_break_a_rule_are_refused(vehicles, change):
    with pytest.raises(SchemaError):
        VEHICLES.validate(vehicles.assign(**change))


def test_an_empty_table_is_refused(sample, vehicles):
    with pytest.raises(SchemaError, match="there are no listings"):
        LISTINGS.validate(sample.head(0))
    with pytest.raises(SchemaError, match="no vehicle was left"):
        VEHICLES.validate(vehicles.head(0))
