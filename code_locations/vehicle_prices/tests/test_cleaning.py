import numpy as np
import pandas as pd
import pytest

from vehicle_prices.cleaning import clean, convert_types, is_in_range

GOOD = {
    "listing": 0,
    "car": 0,
    "price_usd": 12_000,
    "model": "c-class",
    "year": 2014,
    "odometer_mi": 60_000.0,
    "condition": "good",
    "num_cylinders": "6",
    "fuel": "gas",
    "transmission": "automatic",
    "drive": "rwd",
    "size": None,
    "type": "sedan",
    "paint_color": "black",
    "title_status": "clean",
    "state": "ca",
}


def listings(*changes: dict) -> pd.DataFrame:
    return pd.DataFrame([{**GOOD, "listing": number, **change} for number, change in enumerate(changes)])


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"price_usd": 499}, "price under $500"),
        ({"price_usd": 0}, "price under $500"),
        ({"price_usd": 200_001}, "price over $200,000"),
        ({"odometer_mi": np.nan}, "no odometer reading"),
        ({"odometer_mi": 400_000.0}, "odometer at 400,000 miles or more"),
        ({"year": 1989}, "year before 1990"),
        ({"price_usd": 1, "year": 1950}, "price under $500"),
    ],
)
def test_a_listing_that_breaks_a_rule_is_dropped_and_counted_once(change, rule):
    vehicles, dropped = clean(listings({}, change))
    assert vehicles["listing"].tolist() == [0]
    assert {name: rows for name, rows in dropped.items() if rows} == {rule: 1}


@pytest.mark.parametrize(
    "change",
    [{"price_usd": 500}, {"price_usd": 200_000}, {"odometer_mi": 0.0}, {"odometer_mi": 399_999.0}, {"year": 1990}],
)
def test_a_listing_at_the_edge_of_a_rule_is_kept(change):
    assert len(clean(listings(change)).vehicles) == 1


def test_the_rules_drop_what_is_known_to_be_wrong_in_the_source(listings):
    vehicles, dropped = clean(listings)
    assert len(vehicles) == 6_910
    assert len(vehicles) + sum(dropped.values()) == len(listings)


@pytest.mark.parametrize(
    ("text", "number"),
    [("6", 6.0), (" 8 ", 8.0), (6, 6.0), (6.0, 6.0), ("other", np.nan), (None, np.nan), ("", np.nan)],
)
def test_the_number_of_cylinders_is_read_from_text(text, number):
    cylinders = convert_types(listings({"num_cylinders": text}))["cylinders"]
    assert cylinders.dtype == float
    np.testing.assert_equal(cylinders[0], number)


@pytest.mark.parametrize(("typed", "tidy"), [(" SUV ", "suv"), ("sedan", "sedan"), ("  ", None), (None, None)])
def test_text_is_stripped_and_in_lower_case_and_empty_text_is_missing(typed, tidy):
    converted = convert_types(listings({"type": typed}))["type"][0]
    assert converted == tidy or (tidy is None and pd.isna(converted))


def test_what_is_asked_of_a_range_is_false_for_what_is_not_known():
    asked = listings({}, {"year": 1980}, {"odometer_mi": np.nan}, {"odometer_mi": 500_000.0}, {"year": None})
    assert is_in_range(convert_types(asked)).tolist() == [True, False, False, False, False]


def test_cleaning_leaves_its_input_as_it_was():
    before = listings({}, {"price_usd": 0})
    kept = before.copy()
    clean(before)
    pd.testing.assert_frame_equal(before, kept)
