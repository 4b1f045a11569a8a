"""Old runs: which may go, and taking them away."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import dagster as dg
from dagster._core.execution.backfill import BULK_ACTION_TERMINAL_STATUSES, BulkActionsFilter, BulkActionStatus
from dagster._core.storage.event_log import SqlEventLogStorage, SqliteEventLogStorage
from dagster._core.storage.event_log.schema import AssetCheckExecutionsTable as Checks
from dagster._core.storage.local_compute_log_manager import LocalComputeLogManager
from dagster._core.storage.tags import BACKFILL_ID_TAG, CODE_LOCATION_TAG, RUN_KEY_TAG, SENSOR_NAME_TAG

from atoll import logger
from operations.history import events_of, find_needed_runs

PAGE = 500
BATCH = 100


@dataclass(frozen=True)
class OldRun:
    """A run that may go; `size` is what its files take, in bytes."""

    run_id: str
    location: str
    job: str
    status: str
    ended: datetime
    size: int


@dataclass(frozen=True)
class Plan:
    """What pruning removes of the runs that ended before a time, and why it keeps how many of the others."""

    before: datetime
    remove: list[OldRun]
    keep: Counter[str]


def plan_pruning(instance: dg.DagsterInstance, before: datetime) -> Plan:
    """Find the runs that ended before a time and that nothing needs any more; changes nothing.

    Kept are runs that have not ended, those that hold the state of an asset or a check (`find_needed_runs`), those
    whose run key keeps a sensor from asking again, those of a backfill that goes on, and those that a kept run repeats.

    Args:
        instance: An instance whose events are in a SQL database.
        before: A time with a time zone.

    Raises:
        UserError: The events are not in a SQL database.
    """
    needed = find_needed_runs(instance, before)
    backfills = _find_active_backfills(instance)
    remove: list[OldRun] = []
    keep: Counter[str] = Counter()
    repeated: set[str] = set()
    for record in _list_runs(instance):
        run, tags = record.dagster_run, record.dagster_run.tags
        old = run.is_finished and record.update_timestamp < before
        reason = needed.get(run.run_id)
        if run.run_id in repeated:
            reason = "repeated by a later run"
        elif RUN_KEY_TAG in tags and SENSOR_NAME_TAG in tags:
            reason = "run key of a sensor"
        elif tags.get(BACKFILL_ID_TAG) in backfills:
            reason = "backfill that goes on"
        if old and reason is None:
            remove.append(_describe(instance, record))
            continue
        # From the newest to the oldest: a run is met before those that it repeats.
        repeated |= {other for other in (run.root_run_id, run.parent_run_id) if other}
        if old and reason is not None:
            keep[reason] += 1
    return Plan(before, remove, keep)


def prune(instance: dg.DagsterInstance, runs: Sequence[OldRun]) -> None:
    """Remove runs with their events, check evaluations and compute logs.

    A run's own row goes last, so that what is killed at any point and started again ends the same.

    Args:
        instance: The instance of the plan.
        runs: What `plan_pruning` found.
    """
    events = events_of(instance)
    for start in range(0, len(runs), BATCH):
        batch = [run.run_id for run in runs[start : start + BATCH]]
        for run_id in batch:
            instance.compute_log_manager.delete_logs(prefix=[run_id])
        with events.index_connection() as connection:
            connection.execute(Checks.delete().where(Checks.c.run_id.in_(batch)))
            for run_id in batch:
                events.delete_events_for_run(connection, run_id)
        for run_id in events.get_concurrency_run_ids() & set(batch):
            events.free_concurrency_slots_for_run(run_id)
        for run_id in batch:
            for path in _event_files(events, run_id):
                path.unlink(missing_ok=True)
            instance.run_storage.delete_run(run_id)
        logger.info("removed runs", removed=start + len(batch), planned=len(runs))


def _list_runs(instance: dg.DagsterInstance) -> Iterator[dg.RunRecord]:
    """All runs, the newest first."""
    cursor = None
    while page := instance.get_run_records(limit=PAGE, cursor=cursor):
        yield from page
        cursor = page[-1].dagster_run.run_id


def _find_active_backfills(instance: dg.DagsterInstance) -> set[str]:
    statuses = [status for status in BulkActionStatus if status not in BULK_ACTION_TERMINAL_STATUSES]
    return {backfill.backfill_id for backfill in instance.get_backfills(BulkActionsFilter(statuses=statuses))}


def _describe(instance: dg.DagsterInstance, record: dg.RunRecord) -> OldRun:
    run = record.dagster_run
    files = [*_event_files(events_of(instance), run.run_id), *_log_files(instance, run.run_id)]
    return OldRun(
        run_id=run.run_id,
        location=run.tags.get(CODE_LOCATION_TAG, ""),
        job=run.job_name,
        status=run.status.value,
        ended=record.update_timestamp,
        size=sum(path.stat().st_size for path in files if path.is_file()),
    )


def _event_files(events: SqlEventLogStorage, run_id: str) -> list[Path]:
    """SQLite has a database of its own for each run; Dagster empties it and leaves the file."""
    if not isinstance(events, SqliteEventLogStorage):
        return []
    database = events.path_for_shard(run_id)
    return [Path(f"{database}{suffix}") for suffix in ("", "-wal", "-shm")]


def _log_files(instance: dg.DagsterInstance, run_id: str) -> list[Path]:
    logs = instance.compute_log_manager
    if not isinstance(logs, LocalComputeLogManager):
        return []
    return list(Path(logs.get_captured_local_path([run_id, "any"], "out")).parent.rglob("*"))
