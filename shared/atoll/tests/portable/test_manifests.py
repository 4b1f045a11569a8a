"""What the manifest of an asset says, and what Dagster is told of its data version."""

import platform
from pathlib import Path

import dagster as dg

from atoll.io_manager import StoreIOManager
from atoll.storage.store import Slot, Store

DAYS = dg.StaticPartitionsDefinition(["2013-03-01", "2013-03-02", "2013-03-03"])


def run(*assets, **options):
    return dg.materialize(assets, resources={"io_manager": StoreIOManager()}, **options)


@dg.asset(key_prefix="toy", partitions_def=DAYS)
def daily(context: dg.AssetExecutionContext):
    return f"made {context.partition_key}"


def manifest_of(folder: Path, asset: str, partition: str | None = None):
    artefact = Store(str(folder)).get(Slot("sample", ("toy", asset), partition))
    assert artefact is not None
    return artefact.manifest


class Knobs(dg.Config):
    trees: int = 100
    secret: str = "none"


def test_the_manifest_says_what_an_artefact_was_made_by_and_from(store_folder, monkeypatch):
    monkeypatch.setenv("TOY_SECRET", "hunter2")
    monkeypatch.setenv("DAGSTER_CURRENT_IMAGE", "registry/toy@sha256:1")

    @dg.asset(key_prefix="toy", code_version="v2")
    def model(config: Knobs, daily):
        return {"trees": config.trees, "days": len(daily)}

    for day in DAYS.get_partition_keys():
        run(daily, partition_key=day)
    configuration = {"ops": {"toy__model": {"config": {"secret": {"env": "TOY_SECRET"}}}}}
    result = run(daily, model, selection=[model], run_config=configuration)
    manifest = manifest_of(store_folder, "model")
    assert manifest.code_version == "v2"
    assert manifest.run_id == result.run_id
    assert manifest.configuration == {"trees": 100, "secret": {"env": "TOY_SECRET"}}
    assert manifest.image == "registry/toy@sha256:1"
    assert manifest.packages["python"] == platform.python_version()
    assert manifest.inputs == {
        "toy/daily": {day: manifest_of(store_folder, "daily", day).data_version for day in DAYS.get_partition_keys()}
    }
    assert "hunter2" not in "".join(path.read_text() for path in store_folder.rglob("*.json"))


def test_the_manifest_of_a_table_knows_rows_columns_and_library(store_folder, table, known_versions):
    @dg.asset(key_prefix="toy")
    def made():
        return table

    run(made)
    manifest = manifest_of(store_folder, "made")
    assert (manifest.format, manifest.rows) == (type(table).__module__.partition(".")[0].replace("pyarrow", "arrow"), 3)
    assert manifest.columns == {"price": "double", "make": "large_string", "sold": "bool"}
    assert manifest.data_version == known_versions["table"]


def test_each_step_has_inputs_of_its_own(store_folder):
    @dg.asset(key_prefix="toy")
    def first():
        return 1

    @dg.asset(key_prefix="toy")
    def second(first):
        return 2

    @dg.asset(key_prefix="toy")
    def third(second):
        return 3

    run(first, second, third)
    assert manifest_of(store_folder, "first").inputs == {}
    assert list(manifest_of(store_folder, "second").inputs) == ["toy/first"]
    assert manifest_of(store_folder, "third").inputs == {
        "toy/second": {"all": manifest_of(store_folder, "second").data_version}
    }


def test_dagster_knows_the_data_version(store_folder):
    values = [{"a": 1}, {"a": 1}, {"a": 2}]

    @dg.asset(key_prefix="toy")
    def made():
        return values.pop(0)

    @dg.asset(key_prefix="toy")
    def used(made):
        return made

    versions, seen = [], []
    with dg.DagsterInstance.ephemeral() as instance:
        for _ in range(3):
            result = run(made, used, instance=instance)
            (event,) = result.asset_materializations_for_node("toy__made")
            versions.append(event.tags["dagster/data_version"])
            (event,) = result.asset_materializations_for_node("toy__used")
            seen.append(event.tags["dagster/input_data_version/toy/made"])
            assert versions[-1] == manifest_of(store_folder, "made").data_version
    assert seen == versions
    assert versions[0] == versions[1] != versions[2]


def test_dagster_knows_the_data_version_of_each_partition(store_folder):
    with dg.DagsterInstance.ephemeral() as instance:
        for day in DAYS.get_partition_keys():
            result = run(daily, partition_key=day, instance=instance)
            (event,) = result.asset_materializations_for_node("toy__daily")
            assert event.partition == day
            assert event.tags["dagster/data_version"] == manifest_of(store_folder, "daily", day).data_version


def test_dagster_knows_the_data_versions_of_several_outputs_and_of_a_graph(store_folder):
    @dg.multi_asset(outs={name: dg.AssetOut(key_prefix="toy") for name in ("train", "test")})
    def split():
        return {"rows": 8}, {"rows": 2}

    @dg.op
    def one():
        return 1

    @dg.graph_asset(key_prefix="toy")
    def graph():
        return one()

    result = run(split, graph)
    events = [event.materialization for event in result.all_events if event.is_step_materialization]
    versions = {event.asset_key.path[-1]: event.tags["dagster/data_version"] for event in events}
    assert versions == {name: manifest_of(store_folder, name).data_version for name in ("train", "test", "graph")}
