"""What one library wrote reads back equal in another, and as it was in its own."""

from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from polars.testing import assert_frame_equal
from polars.testing.parametric import dataframes

from atoll import UserError
from atoll.storage.tables import read_table
from atoll.storage.values import FORMATS

PLAIN = [pl.Int8, pl.Int64, pl.UInt16, pl.Float64, pl.Boolean, pl.String, pl.Binary, pl.Date, pl.Time]
OTHERS = [
    pl.Datetime("us", "UTC"),
    pl.Duration("us"),
    pl.Decimal(38, 3),
    pl.List(pl.Int64),
    pl.Struct({"a": pl.String}),
]


def exchange(table, *libraries: str, columns: list[str] | None = None):
    """Write a table, read it in a library, write that, and so on."""
    for library in libraries:
        form = next(form for form in FORMATS if form.holds(table))
        content = form.dump(table)
        with TemporaryDirectory() as folder:
            content.write(Path(folder) / content.name)
            table = read_table(Path(folder) / content.name, form.kind, library, columns)
    return table


@given(dataframes(max_cols=4, max_size=10, allowed_dtypes=PLAIN + OTHERS))
@settings(deadline=None)
def test_polars_to_arrow_and_back(frame):
    assert_frame_equal(exchange(frame, "arrow", "polars"), frame)


@given(dataframes(min_cols=1, max_cols=4, min_size=1, max_size=10, allowed_dtypes=PLAIN, allow_null=False))
@settings(deadline=None)
def test_polars_to_pandas_and_back(frame):
    assert_frame_equal(exchange(frame, "pandas", "polars"), frame.with_columns(pl.selectors.float().fill_nan(None)))


ZONES = pd.to_datetime(["2013-03-10 06:59", None, "2013-03-10 07:00"], utc=True).tz_convert("America/New_York")
FRAME = pd.DataFrame(
    {
        "nanoseconds": pd.to_datetime(["2013-03-01 12:00:00", None, "1960-01-01 00:00:00"]).astype("datetime64[ns]"),
        "fine": pd.to_datetime([1, 2, 3], unit="ns"),
        "zone": ZONES,
        "took": pd.to_timedelta([1, None, 3], unit="s"),
        "number": [1.5, np.nan, -0.5],
        "text": ["a", None, "é"],
        "category": pd.Categorical(["a", None, "b"], categories=["b", "c", "a"], ordered=True),
        "codes": pd.Categorical([3, None, 1], categories=[5, 3, 1]),
        "decimal": [Decimal("1.50"), None, Decimal("-2.25")],
        "whole": pd.array([1, None, 3], dtype="Int64"),
    }
)


def test_pandas_comes_back_as_it_was():
    pd.testing.assert_frame_equal(exchange(FRAME, "pandas"), FRAME)
    empty = FRAME[:0].drop(columns="decimal")
    pd.testing.assert_frame_equal(exchange(empty, "pandas"), empty)


def test_polars_reads_what_pandas_wrote():
    loaded = exchange(FRAME, "polars")
    assert loaded.columns == list(FRAME.columns)
    assert loaded.schema == {
        "nanoseconds": pl.Datetime("us"),
        "fine": pl.Datetime("ns"),
        "zone": pl.Datetime("us", "America/New_York"),
        "took": pl.Duration("us"),
        "number": pl.Float64,
        "text": pl.String,
        "category": pl.Enum(["b", "c", "a"]),
        "codes": pl.Int64,
        "decimal": pl.Decimal(38, 2),
        "whole": pl.Int64,
    }
    assert loaded["nanoseconds"].to_list() == [datetime(2013, 3, 1, 12), None, datetime(1960, 1, 1)]
    assert loaded["zone"].to_list()[2] == ZONES[2].to_pydatetime()
    assert loaded["took"].to_list() == [timedelta(seconds=1), None, timedelta(seconds=3)]
    assert loaded["number"].to_list() == [1.5, None, -0.5]
    assert loaded["category"].to_list() == ["a", None, "b"]
    assert loaded["codes"].to_list() == [3, None, 1]
    assert loaded["decimal"].to_list() == [Decimal("1.50"), None, Decimal("-2.25")]


def test_an_index_is_a_column_for_polars_only_where_it_is_more_than_a_range():
    frame = pd.DataFrame({"a": [1, 2, 3]})
    assert exchange(frame[1:], "polars").columns == ["a"]
    assert exchange(frame.set_index(pd.Index(["x", "y", "z"], name="key")), "polars").columns == ["a", "key"]


@pytest.mark.parametrize(
    "series",
    [
        pl.Series([1_500_000_000_123_456_789, None], dtype=pl.Datetime("ns")),
        pl.Series([1_500, None], dtype=pl.Datetime("ms", "Europe/Berlin")),
        pl.Series([1_500, None], dtype=pl.Duration("ms")),
        pl.Series(["b", None, "a"], dtype=pl.Enum(["a", "c", "b"])),
        pl.Series(["b", None, "a"], dtype=pl.Categorical),
        pl.Series([["b"], None, ["a"]], dtype=pl.List(pl.Categorical)),
        pl.Series([[1, 2], None], dtype=pl.Array(pl.Int8, 2)),
        pl.Series([Decimal("1.5"), None], dtype=pl.Decimal(10, 1)),
        pl.Series([{"a": [1500]}, None], dtype=pl.Struct({"a": pl.List(pl.Datetime("ms"))})),
        pl.Series([1.5, None, float("nan")], dtype=pl.Float32),
        pl.Series([None, None]),
    ],
    ids=lambda series: str(series.dtype),
)
def test_polars_comes_back_as_it_was(series):
    frame = series.to_frame("x")
    loaded = exchange(frame, "polars")
    assert loaded.schema == frame.schema
    assert_frame_equal(loaded, frame)


@pytest.mark.parametrize(
    "array",
    [
        pa.array([1, None], pa.timestamp("s", "UTC")),
        pa.array([1, None], pa.time32("ms")),
        pa.array([86_400_000, None], pa.date64()),
        pa.array(["a", None], pa.string()),
        pa.array(["a", None], pa.string_view()),
        pa.array([[1], None], pa.list_(pa.int8(), 1)),
        pa.array([[("a", 1)], None], pa.map_(pa.string(), pa.int8())),
        pa.array([1, None, 1], pa.int64()).dictionary_encode(),
        pa.array([1, None], pa.decimal256(50, 2)),
        pa.array([1.5, None], pa.float16()),
        pa.array([b"ab", None], pa.binary(2)),
        pa.array([b"a" * 16, None], pa.uuid()),
        pa.nulls(2),
    ],
    ids=lambda array: str(array.type),
)
def test_arrow_comes_back_as_it_was(array):
    table = pa.table([array], pa.schema([pa.field("x", array.type, metadata={"unit": "m"})], {"by": "hand"}))
    loaded = exchange(table, "arrow")
    assert loaded.schema.equals(table.schema, check_metadata=True)
    assert loaded.equals(table)


def test_columns_come_in_the_order_that_is_asked_for():
    frame = pd.DataFrame({"a": [1, 2], "b": [3, 4], "c": [5, 6]}, index=pd.Index(["x", "y"], name="key"))
    pd.testing.assert_frame_equal(exchange(frame, "pandas", columns=["c", "a"]), frame[["c", "a"]])
    assert exchange(frame, "polars", columns=["c", "a"]).to_dict(as_series=False) == {"c": [5, 6], "a": [1, 2]}
    assert exchange(frame, "arrow", columns=["b"]).to_pydict() == {"b": [3, 4]}


def test_a_column_that_is_not_there_is_named():
    with pytest.raises(UserError) as caught:
        exchange(pl.DataFrame({"a": [1]}), "polars", columns=["b"])
    assert str(caught.value) == ("The column `b` cannot be loaded.\nThe table has a.\nName columns that it has.")


@pytest.mark.parametrize("kind", [pl.Object, pl.Int128])
def test_what_arrow_has_no_type_for_is_refused_by_name(kind):
    frame = pl.DataFrame({"a": [1], "b": pl.Series([1], dtype=kind)})
    with pytest.raises(UserError, match=rf"Arrow has no type for `b` \({kind}\)\."):
        exchange(frame, "polars")
