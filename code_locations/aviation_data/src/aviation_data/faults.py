"""What can be wrong with a delivery: the source has no such faults, so the plan of arrivals asks for them here."""

import polars as pl

from atoll import UserError, logger
from aviation_data.draws import draw
from aviation_data.flights import name_flights

SHARE_NOT_REPORTED = 1 / 15
SHARE_TWICE = 1 / 20
SHARE_NEGATIVE = 1 / 40
SECONDS_A_MINUTE = 60


def apply_fault(flights: pl.DataFrame, fault: str | None) -> pl.DataFrame:
    """Give flights the fault of their delivery; the same flights always get it in the same places.

    Args:
        flights: Flights as the source has them.
        fault: None for none; "incomplete": a fifteenth of the arrivals is not reported yet; "corrupt": some flights are
            there twice, some distances are negative, and delays are in seconds.

    Raises:
        UserError: There is no such fault.
    """
    if fault is None:
        return flights
    if fault not in FAULTS:
        raise UserError(
            f"There is no fault `{fault}`.", f"The faults are {', '.join(FAULTS)}.", "Correct the plan of arrivals."
        )
    faulty = FAULTS[fault](flights)
    logger.warning("the delivery has a fault", fault=fault, rows=faulty.height)
    return faulty


def _leave_out_arrivals(flights: pl.DataFrame) -> pl.DataFrame:
    missing = _draw(flights, "incomplete") < SHARE_NOT_REPORTED
    arrival = pl.col("arr_time", "arr_delay", "air_time")
    return flights.with_columns(pl.when(~missing).then(arrival))


def _spoil(flights: pl.DataFrame) -> pl.DataFrame:
    negative = _draw(flights, "negative") < SHARE_NEGATIVE
    spoilt = flights.with_columns(
        pl.col("dep_delay", "arr_delay") * SECONDS_A_MINUTE,
        distance=pl.when(negative).then(-pl.col("distance")).otherwise("distance"),
    )
    return pl.concat([spoilt, spoilt.filter(_draw(flights, "twice") < SHARE_TWICE)])


def _draw(flights: pl.DataFrame, purpose: str) -> pl.Series:
    return draw(flights.select(name_flights()).to_series(), purpose)


FAULTS = {"incomplete": _leave_out_arrivals, "corrupt": _spoil}
