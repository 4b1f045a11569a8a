"""What the assets of this code location have in common."""

from datetime import timedelta

import dagster as dg

LOCATION = "vehicle_prices"
OWNERS = ["team:data-science"]
WEEKLY = dg.FreshnessPolicy.time_window(warn_window=timedelta(days=8), fail_window=timedelta(days=15))


def take(*names: str) -> dict[str, dg.AssetIn]:
    """Take assets of this location as inputs, by the last part of their keys."""
    return {name: dg.AssetIn(key_prefix=LOCATION) for name in names}
