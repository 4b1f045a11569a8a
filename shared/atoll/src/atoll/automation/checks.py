"""The latest results of asset checks, by partition: Dagster has no public way to ask for them."""

from collections.abc import Iterable

import dagster as dg
from dagster._core.event_api import PartitionKeyFilter


def find_failed(
    instance: dg.DagsterInstance, checks: Iterable[dg.AssetCheckKey], partition: str | None, *, warnings: bool = False
) -> list[dg.AssetCheckKey]:
    """Find the checks that failed when they last looked at a partition, or ended without an answer.

    Args:
        instance: Where they are recorded.
        checks: Which ones to look at.
        partition: None where there are no partitions.
        warnings: Whether a failure of severity WARN counts too.
    """
    latest = instance.event_log_storage.get_latest_asset_check_execution_by_key(
        sorted(checks), PartitionKeyFilter(key=partition)
    )
    failed = []
    for check, record in latest.items():
        event = record.event and record.event.dagster_event
        if event is not None and event.event_type == dg.DagsterEventType.ASSET_CHECK_EVALUATION:
            found = event.asset_check_evaluation_data
            if not found.passed and (warnings or found.severity == dg.AssetCheckSeverity.ERROR):
                failed.append(check)
        elif _has_ended(instance, record.run_id):
            failed.append(check)
    return sorted(failed)


def _has_ended(instance: dg.DagsterInstance, run_id: str) -> bool:
    run = instance.get_run_by_id(run_id)
    return run is None or run.is_finished
