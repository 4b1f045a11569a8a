"""The weather, week by week with the flights."""

from datetime import date

import dagster as dg

from atoll import today
from atoll.contracts import contract_check
from atoll.validation import schema_check
from aviation_data.defs.columns import WEATHER
from aviation_data.defs.flights import flights
from aviation_data.defs.location import LOCATION, OWNERS, WEEKLY, WEEKS

LEAST_COVERED = 0.95


@dg.asset(
    key_prefix=LOCATION,
    group_name=LOCATION,
    partitions_def=WEEKS,
    kinds={"csv", "polars"},
    owners=OWNERS,
    freshness_policy=WEEKLY,
    metadata={"dagster/column_schema": WEATHER},
)
def weather(context: dg.AssetExecutionContext):
    """Hourly readings at New York's airports in a week; it comes with the flights of the week.

    Of the airport and hour of a flight's scheduled departure there is a reading for 99.5 % of the year's flights.
    """
    from aviation_data.arrivals import find_delivery
    from aviation_data.source import find_source, read_weather
    from aviation_data.weather import clean_weather

    week = date.fromisoformat(context.partition_key)
    delivery = find_delivery(week, today())
    table = clean_weather(read_weather(find_source(), week))
    return dg.MaterializeResult(value=table, metadata={"arrived": str(delivery.arrives)})


weather_contract = contract_check(weather)

weather_schema = schema_check(
    weather,
    "aviation_data.schemas:WEATHER",
    description="Columns, types, origins, ranges, and one reading an airport and hour.",
)


@dg.asset_check(asset=weather, additional_ins={"flights": dg.AssetIn(flights.key)}, partitions_def=WEEKS, blocking=True)
def covers_the_flights(weather, flights):
    """At least 95 % of the week's flights have a reading of their airport and hour (the worst week has 96.9 %).

    The source's readings end on 2013-12-30 at 18:00; flights after that are counted apart.
    """
    from aviation_data.weather import measure_coverage

    coverage = measure_coverage(weather, flights)
    after = f"; {coverage.after:,} more left after the last reading of the source" if coverage.after else ""
    return dg.AssetCheckResult(
        passed=coverage.share >= LEAST_COVERED,
        description=f"{coverage.share:.2%} of {coverage.flights:,} flights have their weather{after}.",
        metadata={"share covered": coverage.share, "flights after the last reading": coverage.after},
    )
