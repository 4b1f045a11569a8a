"""What the assets of this code location have in common."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import dagster as dg

from atoll import settings

LOCATION = "operations"
OWNERS = ["team:platform"]
# Runs of projects go first.
LAST = {"dagster/priority": "-1"}

Cell = str | float | datetime


def schedule(name: str, asset: dg.AssetsDefinition, cron_schedule: str, description: str) -> dg.ScheduleDefinition:
    """Make a schedule of one asset and its checks, on from the start where the settings say `automation`."""
    on = settings().automation
    return dg.ScheduleDefinition(
        name=name,
        target=dg.define_asset_job(f"{name}_job", dg.AssetSelection.assets(asset), tags=LAST, description=description),
        cron_schedule=cron_schedule,
        execution_timezone="UTC",
        default_status=dg.DefaultScheduleStatus.RUNNING if on else dg.DefaultScheduleStatus.STOPPED,
        description=description,
    )


def show_plan(context: dg.AssetExecutionContext, metadata: Mapping[str, Any]) -> None:
    """Record what a dry run would do as an observation: the asset was not made, and its checks keep their results."""
    context.log_event(dg.AssetObservation(context.asset_key, metadata={"dry run": True, **metadata}))


def table(columns: Sequence[str], rows: Iterable[Sequence[Cell]]) -> dg.TableMetadataValue:
    """Make a table that the page shows; times are in UTC, to the minute."""
    texts = [[f"{cell:%Y-%m-%d %H:%M}" if isinstance(cell, datetime) else cell for cell in row] for row in rows]
    records = [dg.TableRecord(dict(zip(columns, row, strict=True))) for row in texts]
    return dg.MetadataValue.table(records, dg.TableSchema([dg.TableColumn(name) for name in columns]))
