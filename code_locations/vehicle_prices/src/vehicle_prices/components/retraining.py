"""Weekly retraining; switched on in the page."""

import dagster as dg

from vehicle_prices.components.attributes import Retraining
from vehicle_prices.components.place import Place


def define_retraining(place: Place, retraining: Retraining) -> dg.Definitions:
    """Define the job that makes the whole pipeline, and its schedule."""
    job = dg.define_asset_job(
        place.label("retraining"),
        selection=dg.AssetSelection.groups(place.group),
        description="Everything from the listings to the predictions.",
    )
    schedule = dg.ScheduleDefinition(
        name=place.label("weekly_retraining"),
        job=job,
        cron_schedule=retraining.cron_schedule,
        execution_timezone=retraining.execution_timezone,
        description="Makes everything anew, from the listings to the predictions.",
    )
    return dg.Definitions(jobs=[job], schedules=[schedule])
