"""What a run did: lines while it goes on, and a summary when it is over."""

import logging
import os
from collections import defaultdict
from typing import Any, TextIO

import dagster as dg

from atoll.tracking.records import METRIC

# What Dagster puts around what a step raised.
WRAPPERS = {"DagsterExecutionStepExecutionError", "RetryRequestedFromPolicy"}
Kind = dg.DagsterEventType


class ProgressHandler(logging.Handler):
    """Prints one line per finished asset and check, and what the project's code logs."""

    def __init__(self, stream: TextIO) -> None:
        super().__init__()
        self._stream = stream
        self._made: defaultdict[str | None, list[str]] = defaultdict(list)

    def emit(self, record: logging.LogRecord) -> None:
        """Print what a record of Dagster's log stands for, if anything."""
        meta = record.__dict__["dagster_meta"]
        if meta["dagster_event"] is not None:
            lines = self._describe(meta["dagster_event"])
        else:
            lines = [f"{record.levelname.lower()}: {meta['orig_message']}"] if record.levelno >= logging.INFO else []
        for line in lines:
            self._stream.write(line.replace("\n", "\n    ") + "\n")

    def _describe(self, event: dg.DagsterEvent) -> list[str]:
        if event.event_type == Kind.ASSET_MATERIALIZATION:
            made = event.step_materialization_data.materialization
            rows = made.metadata.get("dagster/row_count")
            partition = f" [{made.partition}]" if made.partition else ""
            size = f", {rows.value} rows" if rows else ""
            self._made[event.step_key].append(f"{made.asset_key.to_user_string()}{partition}{size}")
        elif event.event_type == Kind.STEP_SUCCESS:
            seconds = event.step_success_data.duration_ms / 1000
            return [f"{made}, {seconds:.1f} s" for made in self._made.pop(event.step_key, [])]
        elif event.event_type == Kind.ASSET_CHECK_EVALUATION:
            check = event.asset_check_evaluation_data
            result = (
                "passed" if check.passed else f"failed ({check.severity.value})\n{check.description or ''}".rstrip()
            )
            return [f"{check.asset_key.to_user_string()}, check {check.check_name} {result}"]
        elif event.event_type == Kind.STEP_FAILURE:
            return [f"{event.step_key} failed\n{explain(event.step_failure_data.error)}"]
        return []


@dg.logger
def progress(_: dg.InitLoggerContext) -> logging.Logger:
    """Short lines on stderr in place of Dagster's own log; on the terminal itself, not through Dagster's capture."""
    logger = logging.Logger("atoll.progress")
    logger.addHandler(ProgressHandler(os.fdopen(os.dup(2), "w", buffering=1)))
    return logger


def explain(error: Any) -> str:
    """The message of what a step raised, without the framework's words around it and without a traceback."""
    raised = error.cause if error.cls_name in WRAPPERS and error.cause else error
    name, _, message = raised.message.strip().partition(": ")
    return message if raised.cls_name == "UserError" else f"{name.rpartition('.')[2]}: {message}"


def summarize(instance: dg.DagsterInstance, run_id: str) -> dict[str, Any]:
    """Collect what a finished run did, from its event log.

    Args:
        instance: Where the run was recorded.
        run_id: The run.

    Returns:
        ``run_id``, ``success``, ``seconds``, ``error`` (what the first failed step raised, or why the run failed beside
        its steps, or None), ``assets`` (key, partition, seconds, rows, metrics, status, error) and ``checks`` (asset,
        name, passed, blocking, severity, description). The status of an asset that was not reached is ``skipped``; a
        check that was not reached is left out. Seconds are those of the step, loading and storing included.
    """
    record = instance.get_run_record_by_id(run_id)
    if record is None:
        raise KeyError(run_id)
    events = [entry.dagster_event for entry in instance.all_logs(run_id) if entry.dagster_event is not None]
    ends = [e.message for e in events if e.event_type == Kind.PIPELINE_FAILURE]
    failures = {e.step_key: explain(e.step_failure_data.error) for e in events if e.is_step_failure}
    seconds = {e.step_key: e.step_success_data.duration_ms / 1000 for e in events if e.is_step_success}
    planned = [e for e in events if e.event_type == Kind.ASSET_MATERIALIZATION_PLANNED]
    made = [e for e in events if e.event_type == Kind.ASSET_MATERIALIZATION]
    checks = [e.asset_check_evaluation_data for e in events if e.event_type == Kind.ASSET_CHECK_EVALUATION]
    done = {event.asset_key for event in made}
    return {
        "run_id": run_id,
        "success": record.dagster_run.is_success,
        "seconds": (record.end_time or 0) - (record.start_time or record.end_time or 0),
        "error": next(iter([*failures.values(), *ends]), None),
        "assets": [
            *(_made(event, seconds) for event in made),
            *(_not_made(event, failures) for event in planned if event.asset_key not in done),
        ],
        "checks": [
            {
                "asset": check.asset_key.to_user_string(),
                "name": check.check_name,
                "passed": check.passed,
                "blocking": check.blocking,
                "severity": check.severity.value,
                "description": check.description,
            }
            for check in checks
        ],
    }


def join(summaries: list[dict[str, Any]]) -> dict[str, Any]:
    """Join the summaries of runs that were asked for together: that of one as it is, several as ``runs``."""
    if len(summaries) == 1:
        return summaries[0]
    return {
        "success": all(summary["success"] for summary in summaries),
        "seconds": sum(summary["seconds"] for summary in summaries),
        "runs": summaries,
    }


def _made(event: dg.DagsterEvent, seconds: dict[str | None, float]) -> dict[str, Any]:
    made = event.step_materialization_data.materialization
    values = {name: entry.value for name, entry in made.metadata.items()}
    numbers = (dg.IntMetadataValue, dg.FloatMetadataValue)
    return {
        "key": made.asset_key.to_user_string(),
        "partition": made.partition,
        "seconds": seconds.get(event.step_key),
        "rows": values.get("dagster/row_count"),
        "metrics": {
            name.removeprefix(METRIC): entry.value
            for name, entry in made.metadata.items()
            if name.startswith(METRIC) and isinstance(entry, numbers)
        },
        "status": "materialized",
        "error": None,
    }


def _not_made(event: dg.DagsterEvent, failures: dict[str | None, str]) -> dict[str, Any]:
    planned = event.asset_materialization_planned_data
    error = failures.get(event.step_key)
    return {
        "key": planned.asset_key.to_user_string(),
        "partition": planned.partition,
        "seconds": None,
        "rows": None,
        "metrics": {},
        "status": "skipped" if error is None else "failed",
        "error": error,
    }
