"""Weekly retraining; switched on in the page."""

import dagster as dg

retraining = dg.define_asset_job(
    "retraining",
    selection=dg.AssetSelection.all(),
    description="Everything from the listings to the predictions.",
)

weekly_retraining = dg.ScheduleDefinition(
    name="weekly_retraining",
    job=retraining,
    cron_schedule="0 3 * * 1",
    execution_timezone="UTC",
    description="Retrains on Monday at 03:00 UTC.",
)
