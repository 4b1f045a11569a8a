import pandas as pd
import pytest

from atoll import UserError
from vehicle_prices.cleaning import clean, convert_types
from vehicle_prices.features import build_features
from vehicle_prices.listings import sample_listings
from vehicle_prices.segment import select_segment
from vehicle_prices.split import split_cars


def test_a_segment_has_the_listings_with_its_texts_however_they_are_typed(listings):
    typed = listings.assign(type=listings["type"].str.upper() + " ")
    kept = select_segment(typed, {"type": ["coupe", "convertible"], "fuel": ["gas"]})
    texts = convert_types(listings)
    wanted = texts["type"].isin(["coupe", "convertible"]) & (texts["fuel"] == "gas")
    assert kept["listing"].tolist() == listings.loc[wanted, "listing"].tolist()
    assert kept.index.tolist() == list(range(wanted.sum()))


def test_without_a_segment_all_are_kept(listings):
    pd.testing.assert_frame_equal(select_segment(listings, {}), listings)


def test_a_car_is_on_the_same_side_of_the_split_in_each_segment(listings):
    everything, sedans = (
        split_cars(build_features(clean(select_segment(listings, segment)).vehicles))
        for segment in ({}, {"type": ["sedan"]})
    )
    assert len(sedans.test) > 300
    assert set(sedans.test["car"]) <= set(everything.test["car"])
    assert set(sedans.training["car"]) <= set(everything.training["car"])


def test_the_sample_of_a_segment_is_the_segment_of_the_sample(listings, sample):
    sedans = {"type": ["sedan"]}
    pd.testing.assert_frame_equal(sample_listings(select_segment(listings, sedans)), select_segment(sample, sedans))


def test_an_unknown_segment_is_named(listings):
    with pytest.raises(UserError) as raised:
        select_segment(listings, {"fuel": ["gas", "steam"]}, "defs/steamers/defs.yaml")
    assert str(raised.value).splitlines() == [
        "There is no segment with fuel steam.",
        "The listings have: diesel, electric, gas, hybrid, other.",
        "Name one of these as `source.segment.fuel` in defs/steamers/defs.yaml.",
    ]
