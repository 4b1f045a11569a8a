"""Retraining, every week and when the listings have changed; switched on in the page."""

import dagster as dg

from atoll.automation import retraining
from vehicle_prices.components.attributes import Retraining
from vehicle_prices.components.place import Place


def define_retraining(place: Place, attributes: Retraining) -> dg.Definitions:
    """Define the schedule that makes the whole pipeline, and the sensor for other listings."""
    keys = "/".join(place.prefix)
    schedule, sensor = retraining(
        place.label("weekly_retraining"),
        trains=f"{keys}/model",
        target=dg.AssetSelection.groups(place.group),
        new_data=[f"{keys}/listings"],
        **dict(attributes),
    )
    return dg.Definitions(schedules=[schedule], sensors=[sensor])
