"""The connector: listings from the data package."""

import dagster as dg

from atoll import settings
from atoll.validation import schema_check
from vehicle_prices.defs.location import LOCATION, OWNERS

MOST_LISTINGS_OF_ONE_CAR = 0.05


@dg.asset(key_prefix=LOCATION, group_name=LOCATION, kinds={"csv", "pandas"}, owners=OWNERS)
def listings():
    """Listings of used vehicles as they were typed, with a number that says which are of one car.

    VIN and description are left out: neither is stored anywhere. The profile `sample` keeps a quarter of the cars.
    """
    from vehicle_prices.listings import find_source, read_listings, sample_listings

    table = read_listings(find_source())
    if settings().sample:
        table = sample_listings(table)
    cars = int(table["car"].nunique())
    return dg.MaterializeResult(value=table, metadata={"cars": cars, "listings per car": len(table) / cars})


listings_schema = schema_check(
    listings,
    "vehicle_prices.schemas:LISTINGS",
    description="The source has the columns and types that are needed, and no column more, such as a VIN.",
)


@dg.asset_check(asset=listings, blocking=True)
def no_car_dominates(listings):
    """No car has more than 5 % of the listings: that would be a fault in telling cars apart."""
    share = float(listings["car"].value_counts(normalize=True).iloc[0])
    return dg.AssetCheckResult(
        passed=share <= MOST_LISTINGS_OF_ONE_CAR,
        description=f"The car that was posted most often has {share:.1%} of the listings.",
        metadata={"largest share": share},
    )
