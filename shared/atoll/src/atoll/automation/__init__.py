"""When assets are made without being asked."""

from atoll.automation.arrivals import arrival_sensor
from atoll.automation.conditions import along_with, at_rest, on_any_update, on_update, on_week_of
from atoll.automation.retraining import Retraining, retraining
from atoll.automation.schedules import weekly_schedule

__all__ = [
    "Retraining",
    "along_with",
    "arrival_sensor",
    "at_rest",
    "on_any_update",
    "on_update",
    "on_week_of",
    "retraining",
    "weekly_schedule",
]
