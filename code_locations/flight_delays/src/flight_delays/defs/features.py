"""What is known of flights before they depart."""

import dagster as dg

from atoll.automation import on_update
from atoll.validation import schema_check
from flight_delays.defs.aviation import AIRPORTS, FLIGHTS, PLANES, WEATHER
from flight_delays.defs.location import LOCATION, OWNERS, WEEKS

SOURCES = {
    "flights": dg.AssetIn(FLIGHTS.key),
    "weather": dg.AssetIn(WEATHER.key),
    "planes": dg.AssetIn(PLANES.key),
    "airports": dg.AssetIn(AIRPORTS.key),
}


@dg.asset(
    key_prefix=LOCATION,
    group_name=LOCATION,
    ins=SOURCES,
    partitions_def=WEEKS,
    automation_condition=on_update(ignore=["aviation_data/planes", "aviation_data/airports"]),
    kinds={"pandas"},
    owners=OWNERS,
)
def features(flights, weather, planes, airports):
    """What is known of each flight of a week before its scheduled departure: schedule, route, plane, weather.

    The weather is what was observed at the origin up to the hour of the departure; it stands in for a forecast.
    """
    from flight_delays.features import build_features

    table = build_features(flights, weather, planes, airports)
    known = {name: float(table[name].notna().mean()) for name in ("plane_age", "dest_lat", "temp")}
    return dg.MaterializeResult(
        value=table,
        metadata={
            "share with plane": known["plane_age"],
            "share with destination": known["dest_lat"],
            "share with weather": known["temp"],
        },
    )


features_schema = schema_check(
    features,
    "flight_delays.schemas:FEATURES",
    description="One row a flight, types and ranges, and no column more, such as an outcome.",
)


@dg.asset_check(asset=features, name="see_no_future", additional_ins=SOURCES, partitions_def=WEEKS, blocking=True)
def features_see_no_future(features, flights, weather, planes, airports):
    """No feature changes when all outcomes do, nor when later flights and later weather do."""
    from flight_delays.features import build_features
    from flight_delays.future import describe_leaks, find_leaks

    leaks = find_leaks(features, flights, weather, lambda *known: build_features(*known, planes, airports))
    return dg.AssetCheckResult(passed=not leaks, description=describe_leaks(leaks), metadata=leaks)


@dg.asset(
    key_prefix=LOCATION,
    group_name=LOCATION,
    partitions_def=WEEKS,
    automation_condition=on_update(),
    kinds={"pandas"},
    owners=OWNERS,
)
def examples(features, outcomes):
    """Features with outcomes, of the flights that have arrived: what a model can learn from."""
    from flight_delays.outcomes import join_outcomes

    return join_outcomes(features, outcomes)
