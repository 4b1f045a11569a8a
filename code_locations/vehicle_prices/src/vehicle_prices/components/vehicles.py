"""Cleaned vehicles."""

import dagster as dg

from atoll.validation import schema_check
from vehicle_prices.components.place import Place


def define_vehicles(place: Place, most_dropped: float) -> dg.Definitions:
    """Define the vehicles that prices are learnt from and what is checked of them."""

    @place.asset(kinds={"pandas"})
    def vehicles(listings):
        """Listings with types, without those whose price, odometer or year breaks a rule."""
        from vehicle_prices.cleaning import clean

        table, dropped = clean(listings)
        counts = {f"dropped: {rule}": rows for rule, rows in dropped.items()}
        return dg.MaterializeResult(value=table, metadata={"dropped": sum(dropped.values()), **counts})

    @dg.asset_check(
        asset=vehicles,
        additional_ins={"listings": dg.AssetIn([*place.prefix, "listings"])},
        blocking=True,
        description=(
            f"Cleaning drops at most {100 * most_dropped:g} % of the listings (it is 19 % of all): "
            "more means that the source has changed."
        ),
    )
    def share_dropped(vehicles, listings):
        share = 1 - len(vehicles) / len(listings)
        return dg.AssetCheckResult(
            passed=share <= most_dropped,
            description=f"Cleaning dropped {share:.1%} of the listings.",
            metadata={"share dropped": share},
        )

    schema = schema_check(
        vehicles,
        "vehicle_prices.schemas:VEHICLES",
        description="Every price, odometer reading and year follows the rules of cleaning.",
    )
    return dg.Definitions(assets=[vehicles], asset_checks=[schema, share_dropped])
