"""Flights, week by week as they are delivered."""

from datetime import date

import dagster as dg

from atoll import settings, today
from aviation_data.defs.columns import FLIGHTS
from aviation_data.defs.location import LOCATION, OWNERS, WEEKLY, WEEKS


@dg.asset(
    key_prefix=LOCATION,
    group_name=LOCATION,
    partitions_def=WEEKS,
    kinds={"csv", "polars"},
    owners=OWNERS,
    freshness_policy=WEEKLY,
    metadata={"dagster/column_schema": FLIGHTS},
)
def flights(context: dg.AssetExecutionContext):
    """Flights that were to leave New York's airports in a week, one row a flight, with what became of them.

    As they are known from the last delivery of the week that has arrived by today; a later one replaces it. Columns say
    what is known before departure and what is an outcome. The profile `sample` keeps a tenth of the flights.
    """
    from aviation_data.arrivals import find_delivery
    from aviation_data.faults import apply_fault
    from aviation_data.flights import clean_flights, count_by_day, sample_flights, tabulate_days
    from aviation_data.source import find_source, read_airports, read_flights

    week, folder = date.fromisoformat(context.partition_key), find_source()
    delivery = find_delivery(week, today())
    table = clean_flights(apply_fault(read_flights(folder, week), delivery.fault), read_airports(folder))
    if settings().sample:
        table = sample_flights(table)
    return dg.MaterializeResult(
        value=table,
        metadata={
            "arrived": str(delivery.arrives),
            "cancelled": int(table["cancelled"].sum()),
            "share without arrival delay": table["arr_delay"].null_count() / max(table.height, 1),
            "days": dg.MetadataValue.md(tabulate_days(count_by_day(table))),
        },
    )
