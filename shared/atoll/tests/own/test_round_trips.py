"""Any value that a format takes comes back as it was."""

import json
import string
from pathlib import Path
from tempfile import TemporaryDirectory

import hypothesis.strategies as st
import pandas as pd
import polars as pl
import pyarrow as pa
from hypothesis import given, settings
from polars.testing import assert_frame_equal
from polars.testing.parametric import dataframes

from atoll.storage.formats import Json, Pickle
from atoll.storage.store import Slot, Store
from atoll.storage.tables import ArrowTable, PandasTable, PolarsTable
from atoll.storage.values import FORMATS

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(), inner, max_size=5),
    max_leaves=20,
)
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.binary() | st.dates(),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.tuples(inner, inner)
        | st.frozensets(st.integers() | st.text(), max_size=3)
        | st.dictionaries(st.text() | st.integers(), inner, max_size=4)
    ),
    max_leaves=15,
)


ARROW = [pl.Int8, pl.Int64, pl.UInt32, pl.Float32, pl.Float64, pl.Boolean, pl.String, pl.Binary, pl.Date, pl.Datetime]


def round_trip(form, value):
    content = form.dump(value)
    with TemporaryDirectory() as folder:
        content.write(Path(folder) / content.name)
        return content, form.load(Path(folder) / content.name)


def types_of(value):
    if isinstance(value, dict):
        return {key: types_of(item) for key, item in value.items()}
    return [types_of(item) for item in value] if isinstance(value, list) else type(value)


@given(JSON)
@settings(deadline=None)
def test_json_values(value):
    assert Json().holds(value)
    loaded = round_trip(Json(), value)[1]
    assert loaded == value
    assert types_of(loaded) == types_of(value)


@given(ANYTHING)
@settings(deadline=None)
def test_any_value_goes_to_a_format_that_gives_it_back(value):
    form = next(form for form in FORMATS if form.holds(value))
    loaded = round_trip(form, value)[1]
    assert loaded == value
    assert repr(loaded) == repr(value) or isinstance(form, Pickle)


@given(ANYTHING)
@settings(deadline=None)
def test_what_json_takes_is_what_json_gives_back(value):
    try:
        same = repr(json.loads(json.dumps(value, allow_nan=False))) == repr(value)
    except (TypeError, ValueError):
        same = False
    assert Json().holds(value) == same


@st.composite
def pandas_frames(draw):
    rows = draw(st.integers(1, 8))  # parquet keeps no categories of an empty table

    def column(elements, kind=None):
        return st.lists(elements, min_size=rows, max_size=rows).map(lambda values: pd.Series(values, dtype=kind))

    kinds = (
        column(st.integers(-(2**63), 2**63 - 1), "int64"),
        column(st.integers(0, 255), "uint8"),
        column(st.floats(), "float64"),
        column(st.booleans(), "bool"),
        column(st.none() | st.booleans(), "boolean"),
        column(st.none() | st.integers(-100, 100), "Int64"),
        column(TEXT, "str"),
        column(st.none() | TEXT, "string"),
        column(st.datetimes(pd.Timestamp("1700-01-01"), pd.Timestamp("2200-01-01")), "datetime64[us]"),
        column(st.none() | st.sampled_from("abc"), pd.CategoricalDtype(list("cab"), ordered=True)),
    )
    names = draw(st.lists(st.text(string.printable, max_size=8), max_size=5, unique=True))
    frame = pd.DataFrame({name: draw(st.one_of(*kinds)) for name in names}, index=pd.RangeIndex(rows))
    if not names:
        return frame[:0]
    if draw(st.booleans()):
        return frame
    return frame.set_axis(pd.Index(draw(column(st.integers(0, 99), "int64")), name=draw(st.none() | st.just("id"))))


@given(pandas_frames())
@settings(deadline=None)
def test_pandas_frames(frame):
    content, loaded = round_trip(PandasTable(), frame)
    pd.testing.assert_frame_equal(loaded, frame, check_column_type=False)
    assert content.rows == len(frame)


@given(dataframes(max_cols=5, max_size=8, excluded_dtypes=[pl.Int128, pl.UInt128, pl.Array]))
@settings(deadline=None)
def test_polars_frames(frame):
    content, loaded = round_trip(PolarsTable(), frame)
    assert_frame_equal(loaded, frame)
    assert content.rows == frame.height


@given(dataframes(max_cols=5, max_size=8, allowed_dtypes=ARROW))
@settings(deadline=None)
def test_arrow_tables(frame):
    table = frame.to_arrow()
    loaded = round_trip(ArrowTable(), table)[1]
    assert isinstance(loaded, pa.Table)
    assert loaded.schema.equals(table.schema)
    assert_frame_equal(pl.DataFrame(loaded), frame)


@given(st.lists(st.text(min_size=1, max_size=20), min_size=1, max_size=4), st.none() | st.text(min_size=1, max_size=20))
@settings(deadline=None)
def test_any_asset_key_and_partition_has_a_place_of_its_own_inside_the_store(asset, partition):
    slot = Slot("sample", tuple(asset), partition)
    assert Slot.parse(slot.path) == slot
    parts = slot.path.split("/")
    assert len(parts) == 4
    assert not any(part in ("", ".", "..") for part in parts)


@given(st.lists(st.binary(max_size=50), min_size=1, max_size=5))
@settings(deadline=None, max_examples=20)
def test_the_last_value_put_is_the_one_got(contents):
    with TemporaryDirectory() as folder:
        store = Store(folder)
        slot = Slot("sample", ("toy", "prices"))
        for content in contents:
            store.put(slot, "data.bin", lambda path, content=content: path.write_bytes(content), {})
        artefact = store.get(slot)
        assert artefact is not None
        with store.open(artefact) as path:
            assert path.read_bytes() == contents[-1]
