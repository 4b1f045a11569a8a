"""What only pandas has: labels of rows and columns, and columns of anything."""

import numpy as np
import pandas as pd
import pytest

from atoll import UserError
from atoll.storage.formats import Json, Pickle
from atoll.storage.tables import PandasTable


def store(frame, folder):
    content = PandasTable().dump(frame)
    content.write(folder / content.name)
    return content, PandasTable().load(folder / content.name)


def test_a_range_index_takes_no_column(tmp_path):
    content, loaded = store(pd.DataFrame({"a": [1, 2, 3]})[1:], tmp_path)
    assert list(content.columns) == ["a"]
    assert isinstance(loaded.index, pd.RangeIndex)
    assert list(loaded.index) == [1, 2]


@pytest.mark.parametrize(
    "index",
    [
        pd.Index(["x", "y", "z"], name="car"),
        pd.Index([5, 3, 9]),
        pd.DatetimeIndex(["2013-01-01", "2013-01-08", "2013-01-15"], name="week"),
        pd.MultiIndex.from_tuples([("a", 1), ("a", 2), ("b", 1)], names=["make", "number"]),
        pd.MultiIndex.from_tuples([("a", 1), ("a", 2), ("b", 1)]),
    ],
    ids=["text", "unnamed", "time", "multi", "unnamed multi"],
)
def test_a_meaningful_index_comes_back(index, tmp_path):
    frame = pd.DataFrame({"a": [1.0, 2.0, 3.0]}, index=index)
    pd.testing.assert_frame_equal(store(frame, tmp_path)[1], frame, check_freq=False)


@pytest.mark.parametrize(
    "columns",
    [[1, 2], pd.Index(["a", "b"], name="kind"), pd.MultiIndex.from_tuples([("a", "x"), ("a", "y")])],
    ids=["numbers", "named", "multi"],
)
def test_labels_of_columns_come_back(columns, tmp_path):
    frame = pd.DataFrame([[1, 2], [3, 4]], columns=columns)
    pd.testing.assert_frame_equal(store(frame, tmp_path)[1], frame)


def test_types_come_back(tmp_path):
    frame = pd.DataFrame(
        {
            "category": pd.Categorical(["a", "b", "a"], categories=["b", "a"], ordered=True),
            "nullable": pd.array([1, None, 3], dtype="Int64"),
            "small": pd.Series([1, 2, 3], dtype="int8"),
            "time": pd.to_datetime(["2013-01-01", None, "2013-01-02"]),
            "zone": pd.to_datetime(["2013-01-01", "2013-01-02", "2013-01-03"], utc=True),
            "took": pd.to_timedelta([1, 2, 3], unit="s"),
            "text": pd.array(["a", None, "c"], dtype="string"),
        }
    )
    pd.testing.assert_frame_equal(store(frame, tmp_path)[1], frame)


@pytest.mark.filterwarnings("ignore:The DataFrame has column names of mixed type")
def test_labels_that_would_change_are_refused():
    with pytest.raises(UserError) as caught:
        PandasTable().dump(pd.DataFrame([[1, 2]], columns=[1, "a"]))
    assert str(caught.value) == (
        "The table cannot be stored as parquet.\n"
        "Labels of its columns or of its index would change.\n"
        "Name columns and index with text."
    )


def test_two_columns_of_one_name_are_refused():
    with pytest.raises(UserError) as caught:
        PandasTable().dump(pd.DataFrame([[1, 2]], columns=["a", "a"]))
    assert str(caught.value) == (
        "The table cannot be stored as parquet.\nTwo of its columns have the same name.\nRename one of them."
    )


def test_rows_without_a_column_are_refused():
    with pytest.raises(UserError, match=r"It has rows and no column\."):
        PandasTable().dump(pd.DataFrame(index=[1, 2]))


def test_a_frame_of_nothing_comes_back(tmp_path):
    pd.testing.assert_frame_equal(store(pd.DataFrame(), tmp_path)[1], pd.DataFrame(), check_column_type=False)


def test_a_column_of_several_types_is_refused_by_name_and_without_values():
    frame = pd.DataFrame({"fine": [1, 2], "mixed": [1, "hunter2"], "object": [object(), object()]})
    with pytest.raises(UserError) as caught:
        PandasTable().dump(frame)
    assert str(caught.value) == (
        "The table cannot be stored as parquet.\n"
        "Values of several types, or of one that parquet lacks, are in `mixed` (object), `object` (object).\n"
        "Give each column one type, for example with astype."
    )


def test_a_subclass_is_left_to_pickle():
    class Frame(pd.DataFrame):
        pass

    assert not PandasTable().holds(Frame())


def test_numpy_numbers_in_a_dict_are_pickled_and_come_back(tmp_path):
    value = {"mae": np.float64(1.5), "rows": np.int64(3)}
    assert not Json().holds(value)
    Pickle().dump(value).write(tmp_path / "data.pickle")
    loaded = Pickle().load(tmp_path / "data.pickle")
    assert loaded == value
    assert type(loaded["rows"]) is np.int64


def test_a_series_is_no_table():
    assert not PandasTable().holds(pd.Series([1]))
