"""How flights ended."""

import dagster as dg

from atoll.automation import on_update
from atoll.validation import schema_check
from flight_delays.defs.aviation import FLIGHTS
from flight_delays.defs.location import LOCATION, OWNERS, WEEK_HAS_COME, WEEKS


@dg.asset(
    key_prefix=LOCATION,
    group_name=LOCATION,
    ins={"flights": dg.AssetIn(FLIGHTS.key)},
    partitions_def=WEEKS,
    automation_condition=on_update() & WEEK_HAS_COME,
    kinds={"pandas"},
    owners=OWNERS,
)
def outcomes(flights):
    """Whether each flight of a week arrived more than 15 minutes late.

    A flight that was cancelled or diverted, or whose arrival is not reported yet, is not part of the question: it is
    counted, and `late` is missing.
    """
    from flight_delays.outcomes import count_states, label_flights

    table = label_flights(flights)
    counts = {state.replace("_", " "): flights for state, flights in count_states(table["state"]).items()}
    return dg.MaterializeResult(value=table, metadata={**counts, "share late": float(table["late"].mean())})


outcomes_schema = schema_check(
    outcomes,
    "flight_delays.schemas:OUTCOMES",
    description="One row a flight; late is known for those that have arrived, and for no others.",
)
