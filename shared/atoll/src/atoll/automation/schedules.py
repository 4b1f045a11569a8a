"""Weekly schedules, also over partitions of history."""

from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import datetime, time, timedelta, timezone
from typing import TYPE_CHECKING, Literal
from zoneinfo import ZoneInfo

import dagster as dg

from atoll.automation.checks import find_failed
from atoll.automation.conditions import sequence_tag
from atoll.clock import today
from atoll.configuration import read_settings

if TYPE_CHECKING:
    from dagster._core.definitions.assets.graph.asset_graph import AssetGraph

Missed = Literal["catch up", "skip"]
# A tick that comes later than this was missed: the platform was off.
LATE = timedelta(hours=1)


def weekly_schedule(
    name: str,
    target: dg.AssetSelection,
    cron_schedule: str,
    execution_timezone: str = "UTC",
    description: str | None = None,
    find: Callable[[], Collection[str | None]] | None = None,
    missed: Missed = "catch up",
    find_tags: Callable[[], Mapping[str, str]] = dict,
) -> dg.ScheduleDefinition:
    """Make a schedule that materializes every week that has ended and was never made, oldest first.

    Dagster's own schedule over partitions asks for the last week there is, on every tick the same one where the weeks
    are history. This one goes by ``atoll.today()``, catches up what was missed while it was off, and asks for a week
    once, when what it reads of other assets of that week was made and no blocking check of that failed. Assets without
    partitions are made on every tick; several ticks that were missed are one.

    Args:
        name: Name of the schedule; its job is ``<name>_job``.
        target: What is made; assets with the same weekly partitions, or none.
        cron_schedule: When it looks.
        execution_timezone: Time zone of that.
        description: What the page says about it.
        find: Returns the weeks that have arrived by ``atoll.today()``, for assets that are made of what arrives; one
            that has ended and has not arrived is not asked for yet. It runs in the idle code server and must be light.
        missed: ``skip`` leaves out all weeks but the last; without partitions, a tick that comes an hour late.
        find_tags: Returns more tags for the runs.
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
        resolved = context.repository_def.get_job(job.name)
        keys, weeks = resolved.asset_layer.selected_asset_keys, resolved.partitions_def
        tags = {**sequence_tag(min(key.path[0] for key in keys)), **find_tags()}
        if not isinstance(weeks, dg.TimeWindowPartitionsDefinition):
            late = datetime.now(timezone.utc) - context.scheduled_execution_time
            if missed == "skip" and late > LATE:
                yield dg.SkipReason(f"It was due at {context.scheduled_execution_time:%Y-%m-%d %H:%M}, and was missed.")
            else:
                yield dg.RunRequest(tags=tags)
            return
        made = set.intersection(*(context.instance.get_materialized_partitions(key) for key in keys))
        ended = list_ended(weeks)
        graph = context.repository_def.asset_graph
        read = _find_read(graph, keys)
        arrived = set(ended if find is None else find())
        arrived = arrived.intersection(*(context.instance.get_materialized_partitions(key) for key in read))
        blocking = [check for check in graph.get_check_keys_for_assets(read) if graph.get(check).blocking]
        stopped = [week for week in ended if week in arrived - made and find_failed(context.instance, blocking, week)]
        there = [week for week in ended if week in arrived.difference(stopped)]
        missing = [week for week in (there[-1:] if missed == "skip" else there) if week not in made]
        if not missing:
            arrives = " or has not arrived" if find or read else ""
            waits = f", or waits for a check: {', '.join(stopped)}" if stopped else ""
            yield dg.SkipReason(f"Every week that has ended was made{arrives}{waits}.")
        for week in missing:
            yield dg.RunRequest(run_key=f"{read_settings().profile}:{week}", partition_key=week, tags=tags)

    return schedule


def _find_read(graph: "AssetGraph", keys: Collection[dg.AssetKey]) -> set[dg.AssetKey]:
    """Find what assets read of others that have partitions too."""
    parents = {parent for key in keys for parent in graph.get(key).parent_keys} - set(keys)
    return {key for key in parents if graph.get(key).partitions_def is not None}


def list_ended(partitions_def: dg.TimeWindowPartitionsDefinition) -> list[str]:
    """List the partitions that have ended by ``atoll.today()``, oldest first."""
    now = datetime.combine(today(), time(), ZoneInfo(partitions_def.timezone))
    return list(partitions_def.get_partition_keys(current_time=now))
