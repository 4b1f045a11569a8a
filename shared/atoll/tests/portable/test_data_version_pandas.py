"""Data versions of what pandas holds: the literals are the same for pandas 1.5, 2 and 3."""

from datetime import date, time, timedelta
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

from atoll.storage.tables import PandasTable

MOMENTS = ["2013-03-01 12:00:00", None, "1960-01-01 00:00:00"]
FRAMES = {
    "int": {"x": [1, 2, 3]},
    "small": {"x": np.array([1, 2, 3], dtype="int8")},
    "float": {"x": [1.5, None, -0.5]},
    "bool": {"x": [True, False, True]},
    "text": {"x": ["a", None, "é"]},
    "bytes": {"x": [b"x", None, b""]},
    "day": {"x": [date(2013, 3, 1), None, date(1960, 1, 1)]},
    "moment": {"x": pd.to_datetime(MOMENTS)},
    "zone": {"x": pd.to_datetime(MOMENTS).tz_localize("America/New_York")},
    "nanoseconds": {"x": pd.to_datetime([1, 2, 3], unit="ns")},
    "took": {"x": [timedelta(seconds=1), None, timedelta(days=-1)]},
    "time": {"x": [time(1, 2, 3), None, time(23, 59)]},
    "decimal": {"x": [Decimal("1.50"), None, Decimal("-2.25")]},
    "category": {"x": pd.Categorical(["a", None, "b"], categories=["b", "c", "a"])},
    "ordered": {"x": pd.Categorical(["a", None, "b"], categories=["b", "c", "a"], ordered=True)},
    "list": {"x": [[1, 2], None, []]},
    "struct": {"x": [{"a": 1, "b": "x"}, None, {"a": None, "b": "y"}]},
    "two": {"x": [1, 2, 3], "y": ["a", "b", "c"]},
}


def version_of(columns: object, **options: object) -> str:
    return PandasTable().dump(pd.DataFrame(columns, **options)).version()


@pytest.mark.parametrize("name", FRAMES)
def test_versions_are_those_that_every_library_and_version_gives(known_versions, name):
    assert version_of(FRAMES[name]) == known_versions[name]


def test_nullable_types_have_the_version_of_plain_ones(known_versions):
    assert version_of({"x": pd.array([1, 2, 3], dtype="Int64")}) == known_versions["int"]
    assert version_of({"x": pd.array(["a", None, "é"], dtype="string")}) == known_versions["text"]
    assert version_of({"x": pd.array([True, False, True], dtype="boolean")}) == known_versions["bool"]


def test_an_index_counts_where_it_is_more_than_a_range(known_versions):
    assert version_of({"x": [1, 2, 3]}, index=range(5, 8)) == known_versions["int"]
    assert version_of({"x": [1, 2, 3]}, index=[5, 3, 9]) != known_versions["int"]


def test_rows_taken_out_of_a_larger_frame_have_the_version_of_a_frame_of_their_own(known_versions):
    frame = pd.DataFrame({"x": [0.0, 1.5, None, -0.5, 9.0]})
    assert PandasTable().dump(frame[1:4]).version() == known_versions["float"]
