from datetime import date, datetime, timedelta, timezone

import pytest

from atoll.storage.formats import Content
from atoll.storage.tables import ArrowTable, PandasTable, PolarsTable

FORMATS = (PandasTable(), PolarsTable(), ArrowTable())


def form_of(value):
    (found,) = [form for form in FORMATS if form.holds(value)]
    return found


def round_trip(value, folder):
    form = form_of(value)
    content = form.dump(value)
    content.write(folder / content.name)
    return form.load(folder / content.name)


def same(left, right):
    assert type(left) is type(right)
    return left.equals(right)


def test_a_table_comes_back_as_the_same_kind_and_equal(table, tmp_path):
    assert same(round_trip(table, tmp_path), table)


def test_an_empty_table_comes_back(table, tmp_path):
    empty = table[:0]
    assert same(round_trip(empty, tmp_path), empty)


def test_rows_columns_and_first_rows_are_known_without_reading(table):
    content = form_of(table).dump(table)
    assert isinstance(content, Content)
    assert content.rows == 3
    assert list(content.columns) == ["price", "make", "sold"]
    assert content.columns["price"] in ("double", "Float64")
    assert content.columns["sold"] in ("bool", "Boolean")
    assert content.preview.splitlines()[:2] == ["| price | make | sold |", "| --- | --- | --- |"]
    assert "a\\|b" in content.preview.splitlines()[3]


def test_a_folder_that_looks_like_a_partition_adds_no_column(table, tmp_path):
    folder = tmp_path / "year=2013"
    folder.mkdir()
    assert same(round_trip(table, folder), table)


def test_a_preview_is_cut_in_rows_columns_and_cells():
    pa = pytest.importorskip("pyarrow")
    wide = pa.table({f"c{n}": ["x" * 100] * 30 for n in range(30)})
    lines = ArrowTable().dump(wide).preview.splitlines()
    assert len(lines) == 12
    assert lines[0].count(" c") == 20
    assert lines[2].split(" | ")[1] == "x" * 57 + "..."


def test_a_preview_shows_times_of_any_kind():
    import pyarrow as pa

    moment = datetime(2013, 3, 1, 12, tzinfo=timezone.utc)
    table = pa.table(
        {
            "ns": pa.array([1], pa.timestamp("ns")),
            "zone": pa.array([moment], pa.timestamp("s", "Europe/Berlin")),
            "day": pa.array([date(2013, 3, 1)]),
            "took": pa.array([timedelta(seconds=5)], pa.duration("ns")),
            "at": pa.array([1], pa.time64("ns")),
            "none": pa.nulls(1),
        }
    )
    assert ArrowTable().dump(table).preview.splitlines()[2] == (
        "| 1970-01-01 00:00:00 | 2013-03-01 12:00:00 | 2013-03-01 | 0:00:05 | 00:00:00 |  |"
    )


def test_an_arrow_table_without_columns_comes_back(tmp_path):
    import pyarrow as pa

    assert round_trip(pa.table({}), tmp_path).num_columns == 0
