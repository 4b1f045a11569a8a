"""What a week of flights must be like before anybody reads it."""

from datetime import date

import dagster as dg

from atoll import settings
from atoll.contracts import contract_check
from atoll.validation import schema_check
from aviation_data.defs.flights import flights
from aviation_data.defs.location import WEEKS

FLIGHTS_A_DAY = {"full": (600, 1_050), "sample": (40, 135)}
MOST_WITHOUT_ARRIVAL = 0.25
LEAST_AGREEING = 0.999
MOST_TO_UNKNOWN_AIRPORTS = 0.05

flights_contract = contract_check(flights)

flights_schema = schema_check(
    flights,
    "aviation_data.schemas:FLIGHTS",
    description="Columns, types, origins, ranges: distances are positive, delays from two hours early to a day late.",
)


@dg.asset_check(asset=flights, partitions_def=WEEKS, blocking=True)
def one_row_a_flight(flights):
    """No flight is there twice."""
    repeated = flights.height - flights["flight_id"].n_unique()
    return dg.AssetCheckResult(
        passed=repeated == 0,
        description=f"{repeated} of {flights.height:,} rows repeat a flight.",
        metadata={"repeated": repeated},
    )


@dg.asset_check(asset=flights, partitions_def=WEEKS, blocking=True)
def flights_every_day(context: dg.AssetCheckExecutionContext, flights):
    """Each day of the week has as many flights as days have: 634 to 1,014 in the year, in the sample a tenth."""
    from aviation_data.flights import find_odd_days
    from aviation_data.weeks import list_days

    low, high = FLIGHTS_A_DAY[settings().profile]
    days = list_days(date.fromisoformat(context.partition_key))
    odd = find_odd_days(flights, days, low, high)
    told = ", ".join(f"{day} has {count:,}" for day, count in odd.items())
    return dg.AssetCheckResult(
        passed=not odd,
        description=f"Each of {len(days)} days is to have {low} to {high:,} flights{told and ': '}{told}.",
        metadata={"flights a day": flights.height / len(days)},
    )


@dg.asset_check(asset=flights, partitions_def=WEEKS, blocking=True)
def arrivals_are_reported(flights):
    """At most a quarter of the flights has no arrival delay: cancelled, diverted, or not reported yet.

    The worst week of the year, with a snow storm, has 15.4 %; a first delivery may lack a fifteenth on top of that.
    """
    share = flights["arr_delay"].null_count() / max(flights.height, 1)
    return dg.AssetCheckResult(
        passed=share <= MOST_WITHOUT_ARRIVAL and flights.height > 0,
        description=f"{share:.1%} of {flights.height:,} flights have no arrival delay.",
        metadata={"share without arrival delay": share},
    )


@dg.asset_check(asset=flights, partitions_def=WEEKS, blocking=True)
def delays_agree_with_times(flights):
    """The arrival delay, in minutes, is the time from scheduled to actual arrival, as for every flight of the year."""
    known = flights.drop_nulls(["arr_time", "arr_delay"])
    minutes = (known["arr_time"] - known["sched_arr_time"]).dt.total_minutes()
    share = float((minutes == known["arr_delay"]).mean() or 0)
    return dg.AssetCheckResult(
        passed=share >= LEAST_AGREEING,
        description=f"The delay of {share:.1%} of {known.height:,} arrivals agrees with their times.",
        metadata={"share that agrees": share},
    )


@dg.asset_check(asset=flights, partitions_def=WEEKS)
def airlines_are_known(flights):
    """Every carrier is one of the source's airlines: a warning, not a stop."""
    from aviation_data.source import find_source, read_airlines

    unknown = sorted(set(flights["carrier"]) - set(read_airlines(find_source())["carrier"]))
    return dg.AssetCheckResult(
        passed=not unknown,
        severity=dg.AssetCheckSeverity.WARN,
        description=f"Carriers that no airline has: {', '.join(unknown) or 'none'}.",
    )


@dg.asset_check(asset=flights, partitions_def=WEEKS)
def airports_are_known(flights):
    """At most a twentieth of the flights goes where the source has no airport: a warning, not a stop.

    It lacks Puerto Rico and the Virgin Islands, up to 3.3 % of a week.
    """
    from aviation_data.source import find_source, read_airports

    lost = flights["dest"].filter(~flights["dest"].is_in(read_airports(find_source())["faa"].to_list()))
    share = lost.len() / max(flights.height, 1)
    return dg.AssetCheckResult(
        passed=share <= MOST_TO_UNKNOWN_AIRPORTS,
        severity=dg.AssetCheckSeverity.WARN,
        description=f"{share:.1%} of the flights go to airports that are not known: {', '.join(sorted(set(lost)))}.",
        metadata={"share to unknown airports": share},
    )
