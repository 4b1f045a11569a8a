"""Cleaned vehicles."""

import dagster as dg

from atoll.validation import schema_check
from vehicle_prices.defs.listings import listings
from vehicle_prices.defs.location import LOCATION, OWNERS

MOST_DROPPED = 0.3


@dg.asset(key_prefix=LOCATION, group_name=LOCATION, kinds={"pandas"}, owners=OWNERS)
def vehicles(listings):
    """Listings with types, without those whose price, odometer or year breaks a rule."""
    from vehicle_prices.cleaning import clean

    table, dropped = clean(listings)
    counts = {f"dropped: {rule}": rows for rule, rows in dropped.items()}
    return dg.MaterializeResult(value=table, metadata={"dropped": sum(dropped.values()), **counts})


vehicles_schema = schema_check(
    vehicles,
    "vehicle_prices.schemas:VEHICLES",
    description="Every price, odometer reading and year follows the rules of cleaning.",
)


@dg.asset_check(asset=vehicles, additional_ins={"listings": dg.AssetIn(listings.key)}, blocking=True)
def share_dropped(vehicles, listings):
    """Cleaning drops at most 30 % of the listings (it is 19 % of all): more means that the source has changed."""
    share = 1 - len(vehicles) / len(listings)
    return dg.AssetCheckResult(
        passed=share <= MOST_DROPPED,
        description=f"Cleaning dropped {share:.1%} of the listings.",
        metadata={"share dropped": share},
    )
