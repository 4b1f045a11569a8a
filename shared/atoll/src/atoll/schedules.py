"""Weekly schedules over partitions of history."""

from collections.abc import Callable, Collection, Iterator
from datetime import datetime, time
from zoneinfo import ZoneInfo

import dagster as dg

from atoll.automation import sequence_tag
from atoll.clock import today
from atoll.configuration import read_settings


def weekly_schedule(
    name: str,
    target: dg.AssetSelection,
    partitions_def: dg.TimeWindowPartitionsDefinition,
    cron_schedule: str,
    execution_timezone: str = "UTC",
    description: str | None = None,
    find: Callable[[], Collection[str | None]] | None = None,
) -> dg.ScheduleDefinition:
    """Make a schedule that materializes every week that has ended and was never made, oldest first.

    Dagster's own schedule over partitions asks for the last week there is, on every tick the same one where the weeks
    are history. This one goes by ``atoll.today()``, catches up what was missed while it was off, and asks for a week
    once.

    Args:
        name: Name of the schedule; its job is ``<name>_job``.
        target: What is made; assets with these partitions.
        partitions_def: The weeks.
        cron_schedule: When it looks.
        execution_timezone: Time zone of that.
        description: What the page says about it.
        find: Returns the weeks that have arrived by ``atoll.today()``, for assets that are made of what arrives; one
            that has ended and has not arrived is not asked for yet. It runs in the idle code server and must be light.
    """
    job = dg.define_asset_job(f"{name}_job", selection=target, description=description)

    @dg.schedule(
        name=name,
        job=job,
        cron_schedule=cron_schedule,
        execution_timezone=execution_timezone,
        description=description,
    )
    def schedule(context: dg.ScheduleEvaluationContext) -> Iterator[dg.RunRequest | dg.SkipReason]:
        keys = context.repository_def.get_job(job.name).asset_layer.selected_asset_keys
        location = min(key.path[0] for key in keys)
        made = set.intersection(*(context.instance.get_materialized_partitions(key) for key in keys))
        ended = list_ended(partitions_def)
        arrived = set(ended if find is None else find())
        missing = [week for week in ended if week not in made and week in arrived]
        if not missing:
            yield dg.SkipReason(f"Every week that has ended was made{' or has not arrived' if find else ''}.")
        for week in missing:
            run_key = f"{read_settings().profile}:{week}"
            yield dg.RunRequest(run_key=run_key, partition_key=week, tags=sequence_tag(location))

    return schedule


def list_ended(partitions_def: dg.TimeWindowPartitionsDefinition) -> list[str]:
    """List the partitions that have ended by ``atoll.today()``, oldest first."""
    now = datetime.combine(today(), time(), ZoneInfo(partitions_def.timezone))
    return list(partitions_def.get_partition_keys(current_time=now))
