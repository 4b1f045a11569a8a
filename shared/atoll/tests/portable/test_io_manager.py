import platform
import sys
import threading
import types
from pathlib import Path

import dagster as dg
import pytest

from atoll import UserError
from atoll.io_manager import StoreIOManager

DAYS = dg.StaticPartitionsDefinition(["2013-03-01", "2013-03-02", "2013-03-03"])


def run(*assets, **options):
    return dg.materialize(assets, resources={"io_manager": StoreIOManager()}, **options)


def consume(value):
    """What a downstream asset gets of a value that an upstream one returned, in another run."""
    got = []

    @dg.asset(key_prefix="toy")
    def made():
        return value

    @dg.asset(key_prefix="toy")
    def used(made) -> None:
        got.append(made)

    run(made)
    run(made, used, selection=[used])
    return got[0]


def test_tables_come_back_as_the_same_kind(store_folder, table):
    loaded = consume(table)
    assert type(loaded) is type(table)
    assert loaded.equals(table)


@pytest.mark.parametrize(
    ("value", "name"),
    [({"mae": 1.5}, "data.json"), ("text", "data.json"), (None, "data.json"), ((1, {2}), "data.pickle")],
)
def test_other_values_come_back(store_folder, value, name):
    assert consume(value) == value
    assert [path.name for path in store_folder.rglob("data.*")] == [name]


def test_a_path_comes_back_as_a_local_path_to_the_stored_copy(store_folder, tmp_path):
    source = tmp_path / "model.bin"
    source.write_bytes(b"weights")
    loaded = consume(source)
    source.unlink()
    assert loaded.name == "model.bin"
    assert store_folder in loaded.parents
    assert loaded.read_bytes() == b"weights"


def test_an_asset_annotated_as_making_none_stores_nothing(store_folder):
    @dg.asset(key_prefix="toy")
    def outside() -> None:
        pass

    @dg.asset(key_prefix="toy", deps=[outside])
    def after():
        return 1

    assert run(outside, after).success
    assert [path.parts[-3] for path in store_folder.rglob("current.json")] == ["after"]


def test_a_result_without_a_value_keeps_the_stored_one(store_folder):
    results = [dg.MaterializeResult(value=1), dg.MaterializeResult(metadata={"note": "outside"})]

    @dg.asset(key_prefix="toy")
    def made():
        return results.pop(0)

    got = []

    @dg.asset(key_prefix="toy")
    def used(made) -> None:
        got.append(made)

    run(made)
    run(made, used)
    assert got == [1]


def test_several_outputs_are_stored_apart(store_folder):
    @dg.multi_asset(outs={name: dg.AssetOut(key_prefix="toy") for name in ("train", "test")})
    def split():
        return {"rows": 8}, {"rows": 2}

    @dg.asset(key_prefix="toy")
    def model(train, test):
        return train["rows"], test["rows"]

    assert run(split, model).output_for_node("toy__model") == (8, 2)


def metadata_of(value) -> dict[str, object]:
    @dg.asset(key_prefix="toy")
    def made():
        return value

    result = run(made)
    (event,) = result.asset_materializations_for_node("toy__made")
    return dict(event.metadata)


def test_the_page_knows_rows_columns_size_place_and_first_rows(store_folder, table):
    metadata = metadata_of(table)
    (stored,) = store_folder.rglob("data.parquet")
    assert metadata["dagster/row_count"].value == 3
    schema = metadata["dagster/column_schema"].value
    assert [column.name for column in schema.columns] == ["price", "make", "sold"]
    assert metadata["path"] == dg.MetadataValue.path(str(stored))
    assert metadata["size"].value == stored.stat().st_size
    assert metadata["profile"].value == "sample"
    assert metadata["preview"].value.startswith("| price | make | sold |\n")
    assert isinstance(metadata["preview"], dg.MarkdownMetadataValue)


def test_json_has_a_preview_and_no_rows(store_folder):
    metadata = metadata_of({"mae": 1.5})
    assert metadata["preview"].value == '```json\n{\n "mae": 1.5\n}\n```'
    assert "dagster/row_count" not in metadata


def test_an_assets_own_metadata_is_kept_and_wins(store_folder):
    @dg.asset(key_prefix="toy")
    def made():
        return dg.MaterializeResult(value={"a": 1}, metadata={"metric/mae": 1.5, "path": "mine", "size": 0})

    (event,) = run(made).asset_materializations_for_node("toy__made")
    assert event.metadata["metric/mae"].value == 1.5
    assert event.metadata["profile"].value == "sample"
    assert event.metadata["path"].value == "mine"


def test_sample_and_full_do_not_mix(store_folder):
    @dg.asset(key_prefix="toy")
    def made():
        return "sample"

    @dg.asset(key_prefix="toy")
    def used(made):
        return made

    run(made)
    with pytest.raises(UserError) as caught:
        dg.materialize([made, used], selection=[used], resources={"io_manager": StoreIOManager(profile="full")})
    assert str(caught.value) == (
        "toy/made cannot be loaded.\n"
        f"It was never materialized in the profile `full` of the store {store_folder}.\n"
        "Materialize it first: ./atoll run toy --select made --full"
    )


def test_the_settings_say_which_profile(store_folder, monkeypatch):
    monkeypatch.setenv("ATOLL_PROFILE", "full")
    assert consume(1) == 1
    assert [path.name for path in store_folder.iterdir()] == ["full"]


def test_a_store_that_cannot_be_written_fails_the_run_with_three_lines(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("ATOLL_STORE", str(tmp_path / "file"))

    @dg.asset(key_prefix="toy")
    def made():
        return 1

    result = run(made, raise_on_error=False)
    (failure,) = result.filter_events(lambda event: event.is_step_failure)
    text = failure.step_failure_data.error.message
    assert text.startswith(f"atoll.errors.UserError: The store {tmp_path / 'file'} cannot be written.\nNotADirectory")


def test_a_value_that_cannot_be_stored_fails_the_run_with_three_lines(store_folder):
    with pytest.raises(UserError, match=r"A value of type lock cannot be stored\."):
        consume(threading.Lock())


@dg.asset(key_prefix="toy", partitions_def=DAYS)
def daily(context: dg.AssetExecutionContext):
    return f"made {context.partition_key}"


def test_each_partition_is_an_artefact_of_its_own(store_folder):
    for day in DAYS.get_partition_keys():
        run(daily, partition_key=day)
    assert sorted(path.parent.name for path in store_folder.rglob("current.json")) == DAYS.get_partition_keys()


def test_an_asset_with_the_same_partitions_gets_its_partitions_value(store_folder):
    @dg.asset(key_prefix="toy", partitions_def=DAYS)
    def same(daily):
        return daily

    result = run(daily, same, partition_key="2013-03-02")
    assert result.output_for_node("toy__same") == "made 2013-03-02"


def collect(**options):
    @dg.asset(key_prefix="toy", **options)
    def collected(daily):
        return daily

    return run(daily, collected, selection=[collected]).output_for_node("toy__collected")


def test_an_asset_without_partitions_gets_all_of_them_by_key(store_folder):
    for day in DAYS.get_partition_keys():
        run(daily, partition_key=day)
    assert collect() == {day: f"made {day}" for day in DAYS.get_partition_keys()}


def test_a_partition_never_made_is_named(store_folder):
    run(daily, partition_key="2013-03-01")
    with pytest.raises(UserError) as caught:
        collect()
    assert str(caught.value) == (
        "toy/daily [2013-03-02] cannot be loaded.\n"
        f"It was never materialized in the profile `sample` of the store {store_folder}.\n"
        "Materialize it first: ./atoll run toy --select daily --partition 2013-03-02"
    )


def test_partitions_never_made_can_be_left_out(store_folder):
    run(daily, partition_key="2013-03-02")
    ins = {"daily": dg.AssetIn(["toy", "daily"], metadata={"allow_missing_partitions": True})}
    assert collect(ins=ins) == {"2013-03-02": "made 2013-03-02"}


def test_one_of_several_possible_partitions_is_a_dict_where_the_input_says_so(store_folder):
    run(daily, partition_key="2013-03-01")
    first = dg.StaticPartitionsDefinition(["first"])
    mapping = dg.StaticPartitionMapping({"2013-03-01": "first"})

    def collector(annotation):
        def collected(daily):
            return daily

        collected.__annotations__["daily"] = annotation
        ins = {"daily": dg.AssetIn(["toy", "daily"], partition_mapping=mapping)}
        asset = dg.asset(key_prefix="toy", partitions_def=first, ins=ins)(collected)
        return run(daily, asset, selection=[asset], partition_key="first").output_for_node("toy__collected")

    assert collector(str) == "made 2013-03-01"
    assert collector(dict) == {"2013-03-01": "made 2013-03-01"}
    assert collector(dict[str, str]) == {"2013-03-01": "made 2013-03-01"}


def run_range(asset):
    tags = {"dagster/asset_partition_range_start": "2013-03-01", "dagster/asset_partition_range_end": "2013-03-02"}
    return run(asset, tags=tags)


def test_a_run_over_a_range_of_partitions_returns_a_dict_by_key(store_folder):
    @dg.asset(key_prefix="toy", partitions_def=DAYS, backfill_policy=dg.BackfillPolicy.single_run())
    def daily(context: dg.AssetExecutionContext):
        return {key: f"range {key}" for key in context.partition_keys}

    assert run_range(daily).success
    assert sorted(path.parent.name for path in store_folder.rglob("current.json")) == ["2013-03-01", "2013-03-02"]


def test_a_run_over_a_range_that_returns_one_value_is_explained(store_folder):
    @dg.asset(key_prefix="toy", partitions_def=DAYS, backfill_policy=dg.BackfillPolicy.single_run())
    def daily():
        return 1

    with pytest.raises(UserError) as caught:
        run_range(daily)
    assert str(caught.value) == (
        "The value of toy/daily cannot be stored.\n"
        "The run is over 2 partitions, and the value is not a dict with one value for each.\n"
        "Return a dict by partition key, or give the asset BackfillPolicy.multi_run()."
    )


def test_partitions_in_two_dimensions_are_stored(store_folder):
    both = dg.MultiPartitionsDefinition({"day": DAYS, "make": dg.StaticPartitionsDefinition(["vw", "bmw"])})

    @dg.asset(key_prefix="toy", partitions_def=both)
    def grid(context: dg.AssetExecutionContext):
        return dict(context.partition_key.keys_by_dimension)

    key = dg.MultiPartitionKey({"day": "2013-03-01", "make": "vw"})
    assert run(grid, partition_key=key).success

    @dg.asset(key_prefix="toy", partitions_def=both)
    def same(grid):
        return grid

    result = run(grid, same, selection=[same], partition_key=key)
    assert result.output_for_node("toy__same") == {"day": "2013-03-01", "make": "vw"}


@pytest.mark.parametrize("gone", ["module", "class"])
def test_an_object_whose_code_is_gone_is_explained(store_folder, monkeypatch, gone):
    module = types.ModuleType("toy_models")
    module.Ridge = type("Ridge", (), {"__module__": "toy_models"})
    monkeypatch.setitem(sys.modules, "toy_models", module)

    @dg.asset(key_prefix="toy")
    def made():
        return module.Ridge()

    @dg.asset(key_prefix="toy")
    def used(made):
        return made

    run(made)
    if gone == "module":
        monkeypatch.delitem(sys.modules, "toy_models")
    else:
        del module.Ridge
    with pytest.raises(UserError) as caught:
        run(made, used, selection=[used])
    what, why, how = str(caught.value).splitlines()
    assert what == "toy/made cannot be loaded."
    assert why.startswith("It was stored as pickle, and this environment lacks what reading that needs: ")
    assert how.endswith("or materialize it again: ./atoll run toy --select made")


def test_the_page_knows_the_versions_of_what_the_project_requires(store_folder):
    @dg.asset(key_prefix="atoll")
    def made():
        return 1

    (event,) = run(made).asset_materializations_for_node("atoll__made")
    versions = event.metadata["environment"].value
    assert versions["python"] == platform.python_version()
    assert versions["dagster"] == dg.__version__
    assert "pandera" not in versions


def test_steps_of_a_plain_job_hand_values_over(store_folder):
    @dg.op
    def one():
        return 1

    @dg.op
    def add(number):
        return number + 1

    @dg.job(resource_defs={"io_manager": StoreIOManager()})
    def plain():
        add(one())

    assert plain.execute_in_process().output_for_node("add") == 2
    assert [path.name for path in (store_folder / "sample").iterdir()] == ["_runs"]


def test_a_large_path_is_not_read_into_memory_to_be_stored(store_folder, tmp_path):
    source = tmp_path / "sparse.bin"
    with source.open("wb") as file:
        file.truncate(50_000_000)
    assert consume(Path(source)).stat().st_size == 50_000_000


def take(value, **metadata):
    """What an input with this metadata gets."""
    got = []

    @dg.asset(key_prefix="toy")
    def made():
        return value

    @dg.asset(key_prefix="toy", ins={"table": dg.AssetIn(["toy", "made"], metadata=metadata)})
    def used(table) -> None:
        got.append(table)

    run(made, used)
    return got[0]


def test_an_input_may_ask_for_a_library_and_for_columns(store_folder, table):
    loaded = take(table, library="arrow", columns=["sold", "price"])
    assert type(loaded).__module__.startswith("pyarrow")
    assert loaded.to_pydict() == {"sold": [True, False, True], "price": [1.5, None, 3.0]}
    assert type(take(table, columns=["make"])) is type(table)


def test_a_value_is_loaded_outside_of_a_run(store_folder):
    run(daily, partition_key="2013-03-01")
    defs = dg.Definitions([daily], resources={"io_manager": StoreIOManager()})
    assert defs.load_asset_value(dg.AssetKey(["toy", "daily"]), partition_key="2013-03-01") == "made 2013-03-01"
