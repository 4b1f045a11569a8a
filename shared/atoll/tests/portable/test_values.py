"""Values by key, for scripts and notebooks, and tables in a library that is asked for."""

from importlib.util import find_spec

import pytest

import atoll
from atoll import UserError
from atoll.storage.store import Slot, Store
from atoll.storage.values import write

INSTALLED = {name for name in ("pandas", "polars", "pyarrow") if find_spec(name)}


def put(value, *key: str, partition: str | None = None, profile: str = "sample"):
    return write(Store(atoll.settings().store), Slot(profile, key, partition), value, {})[0]


def library_of(table: object) -> str:
    return type(table).__module__.partition(".")[0]


def refuse(*arguments, **options) -> UserError:
    with pytest.raises(UserError) as caught:
        atoll.load(*arguments, **options)
    return caught.value


def test_a_value_is_loaded_by_key_partition_and_profile(store_folder):
    put({"mae": 1}, "toy", "metrics")
    put({"mae": 2}, "toy", "metrics", profile="full")
    put("week", "toy", "weekly", partition="2013-03-17")
    assert atoll.load("toy/metrics") == {"mae": 1}
    assert atoll.load("toy/metrics", profile="full") == {"mae": 2}
    assert atoll.load("toy/weekly", partition="2013-03-17") == "week"


def test_a_table_is_loaded_in_the_library_that_wrote_it(store_folder, table):
    put(table, "toy", "prices")
    loaded = atoll.load("toy/prices")
    assert type(loaded) is type(table)
    assert loaded.equals(table)


@pytest.mark.parametrize("library", [name.replace("pyarrow", "arrow") for name in sorted(INSTALLED)])
def test_a_table_is_loaded_in_the_library_that_is_asked_for(store_folder, table, library):
    put(table, "toy", "prices")
    loaded = atoll.load("toy/prices", library=library)
    assert library_of(loaded) == library.replace("arrow", "pyarrow")
    assert list(loaded.columns if library != "arrow" else loaded.column_names) == ["price", "make", "sold"]
    assert len(loaded) == 3


def test_a_library_that_is_not_installed_is_passed_over_and_refused_by_name(store_folder, table, monkeypatch):
    put(table, "toy", "prices")
    monkeypatch.setattr("atoll.storage.tables.find_spec", lambda name: name == "pyarrow" or None)
    assert library_of(atoll.load("toy/prices")) == "pyarrow"
    assert str(refuse("toy/prices", library="pandas")) == (
        "A table cannot be loaded in pandas.\n"
        "There is no pandas in this environment.\n"
        'Add it to the project\'s dependencies and run ./atoll sync, or ask for library="arrow".'
    )


def test_a_library_that_is_unknown_is_refused(store_folder, table):
    put(table, "toy", "prices")
    error = refuse("toy/prices", library="spark")
    assert (error.what, error.why) == (
        "A table cannot be loaded in spark.",
        "The libraries are pandas, polars, arrow.",
    )


def test_a_library_for_what_is_no_table_is_refused(store_folder):
    put({"mae": 1}, "toy", "metrics")
    assert refuse("toy/metrics", library="arrow").why == "It is no table: it was stored as json."


def test_what_was_never_materialized_is_explained_with_the_command_that_makes_it(store_folder):
    assert str(refuse("toy/prices")) == (
        "toy/prices cannot be loaded.\n"
        f"It was never materialized in the profile `sample` of the store {store_folder}; it is empty.\n"
        "Materialize it first: ./atoll run toy --select prices"
    )


def test_a_key_that_is_unknown_is_explained_by_those_that_are_there(store_folder):
    for name in ("prices", "model"):
        put(1, "toy", name)
    assert refuse("toy/price").why.endswith("; it has toy/model, toy/prices.")
    assert refuse("cars/price").why.endswith("; it has toy/model, toy/prices.")


def test_what_is_there_in_the_other_profile_is_said(store_folder):
    put(1, "toy", "prices", profile="full")
    error = refuse("toy/prices")
    assert error.why.endswith("There it is in the profile `full`.")
    assert error.how == "Materialize it first: ./atoll run toy --select prices, or name that profile."


def test_a_partition_that_is_unknown_is_explained_by_those_that_are_there(store_folder):
    for day in range(1, 8):
        put(day, "toy", "daily", partition=f"2013-03-0{day}")
    where = f"in the profile `sample` of the store {store_folder}"
    days = "2013-03-01, 2013-03-02, 2013-03-03, 2013-03-04, 2013-03-05, ..."
    assert str(refuse("toy/daily", partition="2013-03-09")) == (
        "toy/daily [2013-03-09] cannot be loaded.\n"
        f"This partition was never materialized {where}; there are {days}.\n"
        "Materialize it first: ./atoll run toy --select daily --partition 2013-03-09"
    )
    assert str(refuse("toy/daily")) == (
        f"toy/daily cannot be loaded.\nIt has partitions {where}: {days}.\nName one, such as 2013-03-07."
    )


def test_a_partition_of_what_has_none_is_explained(store_folder):
    put(1, "toy", "prices")
    error = refuse("toy/prices", partition="2013-03-09")
    assert error.why.startswith("The asset has no partitions ")
    assert error.how == "Leave out the partition."


@pytest.mark.parametrize("key", ["", "prices", "toy/", "/prices", "toy//prices"])
def test_what_is_no_key_is_explained(store_folder, key):
    assert refuse(key).what == f"`{key}` is not the key of an asset."


@pytest.mark.parametrize("value", [{"a": 1}, (1, 2)], ids=["json", "pickle"])
def test_a_damaged_file_is_explained(store_folder, value):
    artefact = put(value, "toy", "prices")
    file = store_folder / artefact.path
    file.chmod(0o644)
    file.write_bytes(file.read_bytes()[:-1])
    error = refuse("toy/prices")
    assert error.why.startswith(f"The file {file} is damaged: ")
    assert error.how == "See ./atoll store verify, and materialize it again: ./atoll run toy --select prices"


def test_a_flipped_bit_in_a_table_is_explained(store_folder, table):
    artefact = put(table, "toy", "prices")
    file = store_folder / artefact.path
    content = bytearray(file.read_bytes())
    content[content.index(b"vw")] ^= 1
    file.chmod(0o644)
    file.write_bytes(content)
    assert f"The file {file} is damaged: " in refuse("toy/prices").why


def test_loading_brings_no_dagster(store_folder, run_python):
    put({"mae": 1}, "toy", "metrics")
    done = run_python(
        "-c",
        "import atoll, sys; print(atoll.load('toy/metrics'), 'dagster' in sys.modules)",
        ATOLL_STORE=str(store_folder),
    )
    assert done.stdout == "{'mae': 1} False\n", done.stderr
