"""The same table has the same data version in pandas, polars and Arrow, however it is cut."""

from datetime import date, datetime, time, timedelta
from decimal import Decimal
from itertools import pairwise
from zoneinfo import ZoneInfo

import hypothesis.strategies as st
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from polars.testing.parametric import dataframes

from atoll.storage.canonical import canonicalize
from atoll.storage.data_version import hash_table
from atoll.storage.tables import ArrowTable, PandasTable, PolarsTable

MOMENTS = [datetime(2013, 3, 1, 12), None, datetime(1960, 1, 1)]
ZONE = [moment and moment.replace(tzinfo=ZoneInfo("America/New_York")) for moment in MOMENTS]
COLUMNS = {
    "int": ([1, 2, 3], pl.Int64),
    "small": ([1, 2, 3], pl.Int8),
    "float": ([1.5, None, -0.5], pl.Float64),
    "bool": ([True, False, True], pl.Boolean),
    "text": (["a", None, "é"], pl.String),
    "bytes": ([b"x", None, b""], pl.Binary),
    "day": ([date(2013, 3, 1), None, date(1960, 1, 1)], pl.Date),
    "moment": (MOMENTS, pl.Datetime("ms")),
    "zone": (ZONE, pl.Datetime("us", "America/New_York")),
    "nanoseconds": ([1, 2, 3], pl.Datetime("ns")),
    "took": ([timedelta(seconds=1), None, timedelta(days=-1)], pl.Duration("ms")),
    "time": ([time(1, 2, 3), None, time(23, 59)], pl.Time),
    "decimal": ([Decimal("1.50"), None, Decimal("-2.25")], pl.Decimal(10, 2)),
    "category": (["a", None, "b"], pl.Categorical),
    "ordered": (["a", None, "b"], pl.Enum(["b", "c", "a"])),
    "list": ([[1, 2], None, []], pl.List(pl.Int64)),
    "struct": ([{"a": 1, "b": "x"}, None, {"a": None, "b": "y"}], pl.Struct({"a": pl.Int64, "b": pl.String})),
}


@pytest.mark.parametrize("name", COLUMNS)
def test_versions_of_polars_and_arrow_are_those_of_pandas(known_versions, name):
    values, kind = COLUMNS[name]
    frame = pl.DataFrame({"x": pl.Series(values, dtype=kind)})
    assert PolarsTable().dump(frame).version() == known_versions[name]
    assert ArrowTable().dump(frame.to_arrow()).version() == known_versions[name]


def cut(table: pa.Table, places: list[int]) -> pa.Table:
    """The same rows in chunks that begin at these places."""
    edges = [0, *sorted(place % (table.num_rows + 1) for place in places), table.num_rows]
    return pa.concat_tables(table.slice(begin, end - begin) for begin, end in pairwise(edges))


@given(
    dataframes(max_cols=4, max_size=20, excluded_dtypes=[pl.Int128, pl.UInt128, pl.Array]), st.lists(st.integers(0, 99))
)
@settings(deadline=None)
def test_chunks_do_not_count(frame, places):
    table = frame.to_arrow(compat_level=pl.CompatLevel.oldest())
    assert hash_table(canonicalize(cut(table, places))) == hash_table(canonicalize(table))


@given(dataframes(max_cols=4, max_size=20, excluded_dtypes=[pl.Int128, pl.UInt128, pl.Array]))
@settings(deadline=None)
def test_polars_and_arrow_agree(frame):
    assert PolarsTable().dump(frame).version() == ArrowTable().dump(frame.to_arrow()).version()


PLAIN = [pl.Int8, pl.Int64, pl.UInt16, pl.Boolean, pl.String, pl.Binary, pl.Date, pl.Datetime, pl.Duration, pl.Time]


@given(dataframes(min_cols=1, max_cols=4, max_size=20, min_size=1, allowed_dtypes=PLAIN, allow_null=False))
@settings(deadline=None)
def test_pandas_agrees_with_polars_and_arrow(frame):
    table = frame.to_arrow()
    as_pandas = table.to_pandas(date_as_object=True)
    assert PandasTable().dump(as_pandas).version() == PolarsTable().dump(frame).version()


@given(st.lists(st.none() | st.floats(allow_nan=False), min_size=1), st.lists(st.integers(0, 99), max_size=3))
@settings(deadline=None)
def test_missing_numbers_of_pandas_are_nulls(values, places):
    version = PandasTable().dump(pd.DataFrame({"x": pd.Series(values, dtype="float64")})).version()
    table = cut(pa.table({"x": pa.array(values, pa.float64())}), places)
    assert ArrowTable().dump(table).version() == version


@given(dataframes(max_cols=3, min_size=1, max_size=10, excluded_dtypes=[pl.Int128, pl.UInt128, pl.Array]), st.data())
@settings(deadline=None)
def test_another_row_is_another_version(frame, data):
    rows = frame.height
    other = frame[data.draw(st.permutations(range(rows)))]
    version = PolarsTable().dump(frame).version()
    assert other.equals(frame) or PolarsTable().dump(other).version() != version
    assert PolarsTable().dump(frame[:-1]).version() != version
