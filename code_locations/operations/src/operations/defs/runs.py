"""Old runs, removed."""

from collections import defaultdict
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import dagster as dg

from atoll import UserError, settings
from operations.defs.location import LOCATION, OWNERS, schedule, show_plan, table

if TYPE_CHECKING:
    from operations.pruning import OldRun, Plan

SUGGESTED_DAYS = 30


class Pruning(dg.Config):
    """Whether to remove anything."""

    # Only show what would be removed: from the start where the setting is not set.
    dry_run: bool = settings().keep_runs_days is None


@dg.asset(key_prefix=LOCATION, group_name=LOCATION, owners=OWNERS, kinds={"sqlite"}, output_required=False)
def pruned_runs(context: dg.AssetExecutionContext, config: Pruning):
    """Removes runs, their events and their logs once they are older than the setting `keep_runs_days` says.

    Runs that Dagster or its automation still goes by stay, however old; the table of what is kept says which. Where the
    setting is not set, runs are kept for ever, and this shows what 30 days would remove.
    """
    from operations.pruning import plan_pruning, prune

    days = settings().keep_runs_days
    if days is None and not config.dry_run:
        raise UserError(
            "No run was removed.",
            "The setting `keep_runs_days` is not set: runs are kept for ever.",
            f"Write keep_runs_days = {SUGGESTED_DAYS} into atoll.toml and reload the location, or switch on dry_run.",
        )
    before = datetime.now(timezone.utc) - timedelta(days=days or SUGGESTED_DAYS)
    plan = plan_pruning(context.instance, before)
    metadata = describe(plan, days)
    if config.dry_run:
        show_plan(context, metadata)
        return
    prune(context.instance, plan.remove)
    yield dg.MaterializeResult(metadata=metadata)


def describe(plan: "Plan", days: int | None) -> dict[str, Any]:
    """Describe a plan for the page: a row for each location, job and status of the runs that go."""
    groups: defaultdict[tuple[str, str, str], list[OldRun]] = defaultdict(list)
    for run in plan.remove:
        groups[run.location, run.job, run.status].append(run)
    goes = [
        (*group, len(runs), min(run.ended for run in runs), max(run.ended for run in runs), megabytes(runs))
        for group, runs in sorted(groups.items())
    ]
    return {
        "keep_runs_days": "not set: runs are kept for ever" if days is None else days,
        "ended before": f"{plan.before:%Y-%m-%d %H:%M} UTC",
        "runs": len(plan.remove),
        "MB": megabytes(plan.remove),
        "goes": table(["location", "job", "status", "runs", "first ended", "last ended", "MB"], goes),
        "stays, though old": table(["why", "runs"], plan.keep.most_common()),
    }


def megabytes(runs: "list[OldRun]") -> float:
    """What the files of runs take."""
    return round(sum(run.size for run in runs) / 1e6, 1)


daily_pruning = schedule("daily_pruning", pruned_runs, "30 2 * * *", "Removes old runs every night at 02:30 UTC.")
