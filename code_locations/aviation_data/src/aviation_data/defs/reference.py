"""What flights refer to: airports, planes, airlines."""

import dagster as dg

from atoll.contracts import contract_check
from atoll.validation import schema_check
from aviation_data.defs.columns import AIRLINES, AIRPORTS, PLANES
from aviation_data.defs.location import LOCATION, OWNERS, YEARLY


@dg.asset(
    key_prefix=LOCATION,
    group_name=LOCATION,
    kinds={"csv", "polars"},
    owners=OWNERS,
    freshness_policy=YEARLY,
    metadata={"dagster/column_schema": AIRPORTS},
)
def airports():
    """Airports in the United States with place, altitude and time zone; those of Puerto Rico are not there."""
    from aviation_data.source import find_source, read_airports

    return read_airports(find_source())


@dg.asset(
    key_prefix=LOCATION,
    group_name=LOCATION,
    kinds={"csv", "polars"},
    owners=OWNERS,
    freshness_policy=YEARLY,
    metadata={"dagster/column_schema": PLANES},
)
def planes():
    """Registered planes with year, maker, model, engines and seats; one flight in six has a plane that is not there."""
    from aviation_data.source import find_source, read_planes

    return read_planes(find_source())


@dg.asset(
    key_prefix=LOCATION,
    group_name=LOCATION,
    kinds={"csv", "polars"},
    owners=OWNERS,
    freshness_policy=YEARLY,
    metadata={"dagster/column_schema": AIRLINES},
)
def airlines():
    """The sixteen airlines that fly from New York, by their two-letter code."""
    from aviation_data.source import find_source, read_airlines

    return read_airlines(find_source())


airports_contract = contract_check(airports)
planes_contract = contract_check(planes)
airlines_contract = contract_check(airlines)

airports_schema = schema_check(airports, "aviation_data.schemas:AIRPORTS")
planes_schema = schema_check(planes, "aviation_data.schemas:PLANES")
airlines_schema = schema_check(airlines, "aviation_data.schemas:AIRLINES")
