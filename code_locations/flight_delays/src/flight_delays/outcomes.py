"""How flights ended, which is known only after they have departed."""

import pandas as pd

from atoll import UserError, logger

LATE_MINUTES = 15

ARRIVED, CANCELLED, NO_ARRIVAL = "arrived", "cancelled", "no arrival"
STATES = [ARRIVED, CANCELLED, NO_ARRIVAL]
"""`no arrival` is a flight that left, and whose arrival delay is not known: it was diverted, or is not reported yet."""


def label_flights(flights: pd.DataFrame) -> pd.DataFrame:
    """Say how each flight ended.

    The question is whether a flight that arrives is more than 15 minutes late. A flight that was cancelled or diverted
    does not arrive where it was meant to: it is not part of the question, and counted rather than called late.

    Args:
        flights: One row a flight, with `flight_id`, `cancelled` and `arr_delay` in minutes.

    Returns:
        The same rows with `flight_id`, `state` (one of `STATES`) and `late`: missing unless the flight has arrived.
    """
    state = pd.Series(ARRIVED, index=flights.index, dtype="str")
    state = state.mask(flights["arr_delay"].isna(), NO_ARRIVAL).mask(flights["cancelled"], CANCELLED)
    late = (flights["arr_delay"] > LATE_MINUTES).astype("boolean").where(state == ARRIVED)
    logger.info("labelled flights", rows=len(flights), **count_states(state))
    return pd.DataFrame({"flight_id": flights["flight_id"], "state": state, "late": late})


def count_states(state: pd.Series) -> dict[str, int]:
    """Count the flights in each state, by a name without spaces."""
    return {name.replace(" ", "_"): int((state == name).sum()) for name in STATES}


def join_outcomes(features: pd.DataFrame, outcomes: pd.DataFrame) -> pd.DataFrame:
    """Join what was known before departure with how it ended, for the flights that have arrived.

    Args:
        features: One row a flight, with `flight_id`.
        outcomes: What `label_flights` returns of the same flights.

    Returns:
        Features with `late`, true or false, in the order of `features`.

    Raises:
        UserError: A flight that has arrived is not there.
        pandas.errors.MergeError: A flight is there twice.
    """
    arrived = outcomes.loc[outcomes["state"] == ARRIVED, ["flight_id", "late"]].astype({"late": bool})
    flights = features.merge(arrived, on="flight_id", validate="one_to_one")
    if len(flights) < len(arrived):
        raise UserError(
            f"Of {len(arrived):,} flights that have arrived, {len(arrived) - len(flights):,} are missing.",
            "What was known before departure is not of the same flights as how they ended.",
            "Make the whole week again: ./atoll run flight_delays --partition WEEK",
        )
    return flights
