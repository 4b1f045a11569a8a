"""The connector: listings from the data package."""

import dagster as dg

from atoll import settings
from atoll.validation import schema_check
from vehicle_prices.components.attributes import Source
from vehicle_prices.components.place import Place


def define_listings(place: Place, source: Source, largest_car: float) -> dg.Definitions:
    """Define the listings of the segment and what is checked of them."""

    @place.asset(kinds={"csv", "pandas"})
    def listings():
        """Listings of used vehicles as they were typed, with a number that says which are of one car.

        VIN and description are left out: neither is stored anywhere. The profile `sample` keeps a quarter of the cars.
        """
        from vehicle_prices.listings import find_source, read_listings, sample_listings
        from vehicle_prices.segment import select_segment

        table = select_segment(read_listings(find_source(source.package, source.file)), source.segment, place.file)
        if settings().sample:
            table = sample_listings(table)
        cars = int(table["car"].nunique())
        return dg.MaterializeResult(value=table, metadata={"cars": cars, "listings per car": len(table) / cars})

    @dg.asset_check(
        asset=listings,
        blocking=True,
        description=(
            f"No car has more than {100 * largest_car:g} % of the listings: "
            "that would be a fault in telling cars apart."
        ),
    )
    def no_car_dominates(listings):
        share = float(listings["car"].value_counts(normalize=True).iloc[0])
        return dg.AssetCheckResult(
            passed=share <= largest_car,
            description=f"The car that was posted most often has {share:.1%} of the listings.",
            metadata={"largest share": share},
        )

    schema = schema_check(
        listings,
        "vehicle_prices.schemas:LISTINGS",
        description="The source has the columns and types that are needed, and no column more, such as a VIN.",
    )
    return dg.Definitions(assets=[listings], asset_checks=[schema, no_car_dominates])
