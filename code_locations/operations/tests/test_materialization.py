"""The assets as the platform runs them: an instance, a store and settings of their own."""

import sqlite3
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from weeks import KEYS, run

from atoll import settings
from atoll.io_manager import StoreIOManager
from operations.definitions import defs

DAYS = "update runs set update_timestamp = datetime(update_timestamp, '-40 days')"
EVENTS = "update event_logs set timestamp = datetime(timestamp, '-40 days')"


@dg.asset(key_prefix="harbour")
def ships():
    return {"name": "Beagle"}


@pytest.fixture(autouse=True)
def platform(monkeypatch, tmp_path) -> Any:
    (tmp_path / "checkout").mkdir()
    monkeypatch.setenv("ATOLL_ROOT", str(tmp_path / "checkout"))
    settings.cache_clear()
    yield tmp_path / "checkout"
    settings.cache_clear()


@pytest.fixture
def old_runs(instance, folder) -> list[str]:
    """Five runs of one week, 40 days ago; the fourth failed."""
    runs = [run(instance, "flights", KEYS[0], **tags) for tags in ({}, {}, {"incomplete": "yes"}, {"fails": "yes"}, {})]
    for name, statement in (("runs.db", DAYS), ("runs/index.db", EVENTS)):
        connection = sqlite3.connect(folder / "history" / name)
        with connection:
            connection.execute(statement)
        connection.close()
    return runs


def materialize(instance: dg.DagsterInstance, asset: str, **config: Any) -> dg.ExecuteInProcessResult:
    return defs.resolve_implicit_global_asset_job_def().execute_in_process(
        instance=instance,
        asset_selection=[dg.AssetKey(["operations", asset])],
        run_config={"ops": {f"operations__{asset}": {"config": config}}},
        raise_on_error=False,
    )


def shown(result: dg.ExecuteInProcessResult, asset: str) -> dict[str, Any]:
    (made,) = result.asset_materializations_for_node(f"operations__{asset}")
    return read(made.metadata)


def observed(instance: dg.DagsterInstance, asset: str) -> dict[str, Any]:
    """What a dry run shows; nothing is materialized."""
    key = dg.AssetKey(["operations", asset])
    assert instance.get_latest_materialization_event(key) is None
    observation = instance.fetch_observations(key, limit=1).records[0].asset_observation
    assert observation is not None and observation.metadata["dry run"].value is True
    return read(observation.metadata)


def read(metadata: Any) -> dict[str, Any]:
    return {
        name: cells(entry) if isinstance(entry, dg.TableMetadataValue) else entry.value
        for name, entry in metadata.items()
    }


def cells(table: dg.TableMetadataValue) -> list[tuple]:
    return [tuple(record.data[column.name] for column in table.schema.columns) for record in table.records]


def error(result: dg.ExecuteInProcessResult, asset: str) -> str:
    return result.failure_data_for_node(f"operations__{asset}").error.to_string()


def test_old_runs_are_removed_and_the_tables_say_which_went_and_why_others_stayed(instance, old_runs, monkeypatch):
    monkeypatch.setenv("ATOLL_KEEP_RUNS_DAYS", "30")
    found = shown(materialize(instance, "pruned_runs", dry_run=False), "pruned_runs")
    assert found["keep_runs_days"] == 30 and found["runs"] == 2
    assert [row[:4] for row in found["goes"]] == [("", "__ASSET_JOB", "SUCCESS", 2)]
    assert found["stays, though old"] == [
        ("latest state of a check", 2),
        ("latest state of an asset or a partition", 1),
    ]
    assert [instance.get_run_by_id(run_id) is None for run_id in old_runs] == [True, True, False, False, False]


def test_a_dry_run_shows_the_same_plan_and_removes_nothing(instance, old_runs, monkeypatch):
    monkeypatch.setenv("ATOLL_KEEP_RUNS_DAYS", "30")
    assert materialize(instance, "pruned_runs", dry_run=True).success
    assert observed(instance, "pruned_runs")["runs"] == 2
    assert all(instance.get_run_by_id(run_id) for run_id in old_runs)


def test_without_the_setting_it_shows_what_thirty_days_would_remove(instance, old_runs):
    assert materialize(instance, "pruned_runs").success
    found = observed(instance, "pruned_runs")
    assert found["runs"] == 2 and found["keep_runs_days"] == "not set: runs are kept for ever"
    assert all(instance.get_run_by_id(run_id) for run_id in old_runs)


def test_without_the_setting_a_dry_run_that_is_switched_off_removes_nothing_and_says_how(instance, old_runs):
    text = error(materialize(instance, "pruned_runs", dry_run=False), "pruned_runs")
    assert "No run was removed." in text and "keep_runs_days = 30" in text
    assert all(instance.get_run_by_id(run_id) for run_id in old_runs)


def store_a_ship(instance: dg.DagsterInstance) -> Path:
    result = dg.materialize([ships], resources={"io_manager": StoreIOManager()}, instance=instance)
    return Path(result.asset_materializations_for_node("harbour__ships")[0].metadata["path"].value)


def test_a_store_that_is_whole_passes(instance):
    store_a_ship(instance)
    result = materialize(instance, "verified_store")
    found = shown(result, "verified_store")
    assert (found["artefacts"], found["faults"], found["leftovers"]) == (1, 0, 0)
    assert found["read"] == [("sample", "harbour/ships", 1)]
    assert [check.passed for check in result.get_asset_check_evaluations()] == [True]


def test_a_flipped_bit_fails_the_check_and_what_a_killed_writer_left_does_not(instance):
    path = store_a_ship(instance)
    left = path.parent.with_name("left") / path.name
    left.parent.mkdir()
    left.write_bytes(b"{")
    assert [check.passed for check in materialize(instance, "verified_store").get_asset_check_evaluations()] == [True]
    content = bytearray(path.read_bytes())
    content[3] ^= 1
    path.chmod(0o644)
    path.write_bytes(content)
    result = materialize(instance, "verified_store", prefix="harbour")
    found = shown(result, "verified_store")
    assert (found["faults"], found["leftovers"]) == (1, 1)
    assert str(left.parent) in found["left behind"][0][0]
    (check,) = result.get_asset_check_evaluations()
    assert not check.passed and check.severity == dg.AssetCheckSeverity.ERROR
    ((where, what, how),) = read(check.metadata)["faults"]
    assert where == str(path) and what and "./atoll run harbour" in how


def test_a_prefix_confines_what_is_read(instance):
    store_a_ship(instance)
    assert shown(materialize(instance, "verified_store", prefix="harbour/cranes"), "verified_store")["artefacts"] == 0


def test_a_dry_run_lists_what_would_be_read_and_checks_nothing(instance):
    path = store_a_ship(instance)
    path.chmod(0o644)
    path.write_bytes(b"")
    result = materialize(instance, "verified_store", dry_run=True)
    assert result.success and result.get_asset_check_evaluations() == []
    assert observed(instance, "verified_store")["read"] == [("sample", "harbour/ships", 1)]


def test_disk_space_is_numbers_that_the_page_plots(instance, platform):
    database = platform / ".atoll" / "instance" / "storage" / "index.db"
    database.parent.mkdir(parents=True)
    database.write_bytes(b"x" * 5_000_000)
    result = materialize(instance, "disk_space")
    found = shown(result, "disk_space")
    assert found["used/runs database"] == pytest.approx(0.005, abs=0.001) and found["used/store"] == 0
    assert found["free/store"] == found["free/compute logs"] > 0
    assert [check.check_name for check in result.get_asset_check_evaluations()] == ["enough"]


def test_a_dry_run_of_disk_space_leaves_its_history_alone(instance):
    assert materialize(instance, "disk_space", dry_run=True).success
    assert "used/store" in observed(instance, "disk_space")


def test_without_a_checkout_disk_space_says_what_to_set(instance, monkeypatch, tmp_path):
    monkeypatch.setattr("operations.defs.disk.find_root", lambda: None)
    assert "Set ATOLL_ROOT" in error(materialize(instance, "disk_space"), "disk_space")
