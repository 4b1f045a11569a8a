import os
import random
import shutil
import signal
import sqlite3
import sys
from datetime import timedelta
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.execution.backfill import BulkActionStatus, PartitionBackfill
from weeks import KEYS, asked, look, now, run, state

from conftest import QUIET
from operations.pruning import plan_pruning, prune

FIRST, SECOND, THIRD = KEYS
SOON = timedelta(hours=1)


def prune_before(instance, before) -> list[str]:
    plan = plan_pruning(instance, before)
    prune(instance, plan.remove)
    return [run.run_id for run in plan.remove]


def prune_all(instance) -> list[str]:
    return prune_before(instance, now() + SOON)


def rows(folder: Path) -> dict[str, list[tuple]]:
    """What the databases hold, and the names of the files beside them."""
    found: dict[str, list[tuple]] = {}
    for name in ("history/runs.db", "history/runs/index.db"):
        connection = sqlite3.connect(folder / name)
        for (table,) in connection.execute("select name from sqlite_master where type = 'table'").fetchall():
            found[table] = sorted(connection.execute(f"select * from {table}").fetchall(), key=repr)
        connection.close()
    found["files"] = sorted((str(path.relative_to(folder)),) for path in folder.rglob("*") if path.is_file())
    return found


def test_what_is_removed_leaves_no_row_and_no_file(instance, folder):
    old = run(instance, "flights", FIRST)
    new = run(instance, "flights", FIRST)
    assert old in repr(rows(folder)["files"]) and old in repr(rows(folder)["asset_check_executions"])
    assert prune_all(instance) == [old]
    assert {table for table, content in rows(folder).items() if old in repr(content)} == set()
    assert instance.get_run_by_id(new) is not None


def test_a_young_run_stays_and_the_plan_counts_what_goes(instance, folder):
    before = [now(), *(run(instance, "flights", FIRST) and now() for _ in range(3))]
    assert [len(plan_pruning(instance, moment).remove) for moment in before] == [0, 0, 1, 2]
    (old,) = plan_pruning(instance, before[2]).remove
    files = [path for path in folder.rglob("*") if old.run_id in str(path) and path.is_file()]
    assert old.size == sum(path.stat().st_size for path in files) > 0
    assert (old.job, old.status) == ("__ASSET_JOB", "SUCCESS")


def test_a_second_pruning_finds_nothing(instance, folder):
    for _ in range(3):
        run(instance, "flights", FIRST)
    assert len(prune_all(instance)) == 2
    left = rows(folder)
    assert prune_all(instance) == []
    assert rows(folder) == left


@pytest.mark.parametrize("seed", range(2))
def test_dagster_forgets_nothing(instance, seed):
    """Random histories, pruned twice: status, versions, checks and what automation asks for are as before each time."""
    chance = random.Random(seed)
    looks, removed = [], []
    for _ in range(2):
        for _ in range(10):
            version, week = chance.choice("12"), chance.choice(KEYS[: 1 + seed])
            asset = chance.choice(["flights", "flights", "complete", "delays", "year", "weather"])
            tags = {tag: "yes" for tag in ("fails", "incomplete") if chance.random() < 0.2}
            run(instance, asset, None if asset in ("year", "weather") else week, version=version, **tags)
            if chance.random() < 0.4:
                looks.append((now(), look(instance, looks[-1][1].cursor if looks else None)))
        before = chance.choice([now(), *(moment for moment, _ in looks[-2:])])
        cursors = [result.cursor for moment, result in looks if moment >= before]
        known = state(instance), [asked(look(instance, cursor)) for cursor in cursors]
        removed += prune_before(instance, before)
        assert (state(instance), [asked(look(instance, cursor)) for cursor in cursors]) == known
    assert len(removed) >= 4


def test_dagster_forgets_when_the_latest_run_of_a_week_is_deleted(instance):
    """The reason for all of this: Dagster's own deletion makes a week missing, and automation asks for it again."""
    run(instance, "flights", FIRST)
    latest = run(instance, "delays", FIRST)
    run(instance, "flights", SECOND)
    assert asked(look(instance))["delays"] == {SECOND}
    instance.delete_run(latest)
    instance.wipe_asset_cached_status([dg.AssetKey("delays")])
    assert asked(look(instance))["delays"] == {FIRST, SECOND}


def test_a_week_made_from_an_input_that_was_made_again_alike_is_not_stale(instance):
    read = run(instance, "flights", FIRST)
    run(instance, "delays", FIRST)
    between = run(instance, "flights", FIRST)
    run(instance, "flights", FIRST)
    run(instance, "flights", SECOND)
    known = state(instance)
    assert known[dg.AssetKey("delays"), FIRST][2] == "FRESH"
    assert prune_all(instance) == [between]
    assert state(instance) == known
    instance.delete_run(read)
    assert state(instance)[dg.AssetKey("delays"), FIRST][2] == "STALE"


def test_what_automation_saw_when_it_last_looked_stays_until_it_is_old(instance):
    for week in KEYS:
        run(instance, "flights", week)
        run(instance, "delays", week)
    first = run(instance, "weather")
    run(instance, "year")
    looked = look(instance)
    before = now()
    run(instance, "weather")
    run(instance, "flights", FIRST)
    known = asked(look(instance, looked.cursor))
    assert first not in prune_before(instance, before)
    assert asked(look(instance, looked.cursor)) == known
    assert prune_all(instance) == [first]


def test_a_failed_attempt_and_what_was_made_before_it_stay(instance):
    made, failed = run(instance, "delays", FIRST), run(instance, "delays", FIRST, fails="yes")
    run(instance, "weather")
    known = state(instance)
    assert known[dg.AssetKey("delays")][FIRST].value == "FAILED"
    assert prune_all(instance) == []
    assert state(instance) == known
    run(instance, "delays", FIRST)
    run(instance, "weather")
    assert {made, failed} < set(prune_all(instance))


def test_a_red_check_stays_also_when_a_later_attempt_did_not_come_to_check(instance):
    run(instance, "flights", FIRST)
    red = run(instance, "complete", FIRST, incomplete="yes")
    run(instance, "flights", FIRST, fails="yes")
    run(instance, "weather")
    known = state(instance)
    assert [info.latest_execution_status.value for info in known["checks"]] == ["PLANNED"]
    assert known["completed check"][0] == red
    prune_all(instance)
    assert state(instance) == known


def test_the_latest_run_of_a_check_alone_stays(instance):
    run(instance, "flights", FIRST)
    red, _ = run(instance, "complete", FIRST, incomplete="yes"), run(instance, "flights", SECOND)
    known = state(instance)
    assert [info.latest_execution_status.value for info in known["checks"]] == ["FAILED", "SUCCEEDED"]
    assert prune_all(instance) == []
    assert state(instance) == known
    run(instance, "complete", FIRST, incomplete="yes")
    run(instance, "flights", SECOND)
    assert red in prune_all(instance)


def test_a_run_that_has_not_ended_stays(instance):
    run(instance, "flights", FIRST)
    going = instance.create_run_for_job(dg.job(name="empty")(lambda: None))
    for _ in range(2):
        run(instance, "flights", FIRST)
    assert going.run_id not in prune_all(instance)
    instance.report_run_canceled(going)
    run(instance, "flights", SECOND)
    assert prune_all(instance) == [going.run_id]


def test_a_run_that_a_kept_run_repeats_stays_with_it(instance):
    root = run(instance, "flights", FIRST)
    empty = dg.job(name="empty")(lambda: None)
    again = instance.create_run_for_job(empty, root_run_id=root, parent_run_id=root, tags={"dagster/root_run_id": root})
    run(instance, "flights", FIRST)
    plan = plan_pruning(instance, now() + SOON)
    assert plan.remove == [] and plan.keep["repeated by a later run"] == 1
    assert [run.run_id for run in instance.get_run_group(again.run_id)[1]] == [root, again.run_id]
    instance.report_run_canceled(again)
    run(instance, "flights", SECOND)
    assert prune_all(instance) == [again.run_id, root]


def test_a_sensors_run_key_stays(instance):
    tags = {"dagster/run_key": "sample:2012-12-30:1", "dagster/sensor_name": "new_weeks"}
    keyed = run(instance, "flights", FIRST, **tags)
    run(instance, "flights", FIRST)
    assert plan_pruning(instance, now() + SOON).keep["run key of a sensor"] == 1
    assert prune_all(instance) == []
    assert instance.get_run_by_id(keyed) is not None


def test_runs_of_a_backfill_stay_until_it_has_ended(instance):
    backfill = PartitionBackfill(
        "year", BulkActionStatus.REQUESTED, from_failure=False, tags={}, backfill_timestamp=now().timestamp()
    )
    instance.add_backfill(backfill)
    part = run(instance, "flights", FIRST, **{"dagster/backfill": "year"})
    run(instance, "flights", FIRST)
    assert prune_all(instance) == []
    instance.update_backfill(backfill.with_status(BulkActionStatus.COMPLETED_SUCCESS))
    assert prune_all(instance) == [part]
    assert instance.get_backfill("year") is not None


def test_no_number_of_an_event_is_given_twice(instance, folder):
    """SQLite gives the number of a last row that was removed to the next row, which cursors would then pass over."""
    run(instance, "flights", FIRST)
    canceled = instance.create_run_for_job(dg.job(name="empty")(lambda: None))
    instance.report_run_canceled(canceled)
    assert prune_all(instance) == []
    last = max(rows(folder)["event_logs"])
    run(instance, "flights", FIRST)
    assert len(prune_all(instance)) == 2
    assert min(rows(folder)["event_logs"]) > last


def test_killed_at_any_point_and_started_again_it_ends_the_same(instance, folder, tmp_path):
    for week in (FIRST, FIRST, FIRST, SECOND, FIRST):
        run(instance, "flights", week)
    whole = Path(shutil.copytree(folder, tmp_path / "whole"))
    with dg.DagsterInstance.local_temp(str(whole), QUIET) as copy:
        assert len(prune_all(copy)) == 3
    deaths = 0
    while True:
        part = Path(shutil.copytree(folder, tmp_path / f"part{deaths}"))
        killed = prune_and_die(part, deaths)
        if not killed:
            break
        deaths += 1
        with dg.DagsterInstance.local_temp(str(part), QUIET) as copy:
            prune_all(copy)
        assert rows(part) == rows(whole), deaths
    assert deaths > 12


def prune_and_die(folder: Path, steps: int) -> bool:
    """Prune in another process that is killed before it touches a database or a file once more than `steps` times."""
    child = os.fork()
    if child == 0:
        with dg.DagsterInstance.local_temp(str(folder), QUIET) as instance:
            plan = plan_pruning(instance, now() + SOON)
            touched = 0

            def count(event: str, _: object) -> None:
                nonlocal touched
                if event in ("sqlite3.connect", "os.remove", "shutil.rmtree", "os.rmdir"):
                    touched += 1
                    if touched > steps:
                        os.kill(os.getpid(), signal.SIGKILL)

            sys.addaudithook(count)
            prune(instance, plan.remove)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
