"""How runs of tracked assets ended, read from Dagster's event log."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone

import dagster as dg

from atoll.report import explain
from atoll.run_tags import PROFILE, TRACKED
from atoll.tracking.records import Record, Status

Kind = dg.DagsterEventType
ENDS: dict[dg.DagsterRunStatus, Status] = {
    dg.DagsterRunStatus.SUCCESS: "FINISHED",
    dg.DagsterRunStatus.FAILURE: "FAILED",
    dg.DagsterRunStatus.CANCELED: "KILLED",
}


@dataclass(frozen=True)
class Attempt:
    """One time that a step was begun and made nothing."""

    retry: int
    status: Status
    started: datetime
    ended: datetime
    error: str | None = None


def list_ended(instance: dg.DagsterInstance, since: datetime) -> list[dg.RunRecord]:
    """List runs with tracked assets that have ended, oldest change first.

    Args:
        instance: Where they were recorded.
        since: Only those that were changed later.
    """
    ended = dg.RunsFilter(statuses=list(ENDS), updated_after=since)
    found = instance.get_run_records(ended, order_by="update_timestamp", ascending=True)
    return [record for record in found if TRACKED in record.dagster_run.tags]


def describe_end(instance: dg.DagsterInstance, ended: dg.RunRecord) -> Iterator[Record]:
    """Describe the attempts of a run that made nothing, and then the run itself, whose record has no step.

    A step that raised has FAILED, also where a retry came after it; one that was interrupted, or was begun and never
    ended, was KILLED, with its run or with its process.

    Args:
        instance: Where the run was recorded.
        ended: A run that has ended.
    """
    run = ended.dagster_run
    end = _time(ended.end_time or ended.update_timestamp.timestamp())
    tracked, profile = run.tags[TRACKED].split(","), run.tags[PROFILE]
    events = instance.all_logs(run.run_id)
    for entry in events:
        event = entry.dagster_event
        if event is not None and event.event_type == Kind.ASSET_MATERIALIZATION_PLANNED:
            plan = event.asset_materialization_planned_data
            asset = plan.asset_key.to_user_string()
            attempts = _list_attempts(events, event.step_key, run.status, end) if asset in tracked else ()
            for attempt in attempts:
                yield Record(asset, plan.partition, profile, run_id=run.run_id, step=event.step_key, **vars(attempt))
    yield Record(
        asset=tracked[0].partition("/")[0],
        partition=run.tags.get("dagster/partition"),
        profile=profile,
        status=ENDS[run.status],
        started=_time(ended.start_time or ended.create_timestamp.timestamp()),
        ended=end,
        run_id=run.run_id,
    )


def _list_attempts(
    events: Sequence[dg.EventLogEntry], step: str | None, ended: dg.DagsterRunStatus, end: datetime
) -> Iterator[Attempt]:
    retry, started = 0, None
    for entry in events:
        event = entry.dagster_event
        if event is None or event.step_key != step:
            continue
        now = _time(entry.timestamp)
        if event.event_type in (Kind.STEP_START, Kind.STEP_RESTARTED):
            started = now
        elif event.event_type == Kind.STEP_UP_FOR_RETRY:
            yield Attempt(retry, "FAILED", started or now, now, explain(event.step_retry_data.error))
            retry, started = retry + 1, None
        elif event.event_type == Kind.STEP_FAILURE:
            status = "KILLED" if ended == dg.DagsterRunStatus.CANCELED else "FAILED"
            yield Attempt(retry, status, started or now, now, explain(event.step_failure_data.error))
            started = None
        elif event.event_type == Kind.STEP_SUCCESS:
            started = None
    if started is not None:
        yield Attempt(retry, "KILLED", started, end)


def _time(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, timezone.utc)
