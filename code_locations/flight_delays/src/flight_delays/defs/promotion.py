"""The gate behind the model, and the champion that predicts."""

import dagster as dg

from atoll.automation import on_update
from atoll.promotion.champion import promotion
from atoll.promotion.contest import Contest
from atoll.promotion.gate import Gate
from flight_delays.defs.location import LOCATION, MODEL_WEEKS, OWNERS, WEEK_IS_DONE
from flight_delays.defs.training import model, training_set


@dg.asset(
    key_prefix=LOCATION,
    group_name=LOCATION,
    partitions_def=MODEL_WEEKS,
    automation_condition=on_update() & WEEK_IS_DONE,
    kinds={"pandas"},
    owners=OWNERS,
)
def held_out(features, outcomes, training_set, baseline):
    """What challenger and champion of a week are judged by: its flights that have arrived, which neither learnt from.

    With the history that the ten weeks before give, what the baseline guesses, and the day in New York.
    """
    from flight_delays.held_out import hold_out

    return hold_out(features, outcomes, training_set, baseline)


# Of AUC. In a week the gain in an origin or airline with 500 flights scatters by 0.02 around that of all flights, and
# the lowest of the eight or so that there are lies below -0.05 in one week of ten: less would refuse for noise alone.
SLICE_LOSS = 0.05

CONTEST = Contest(
    Gate("roc_auc", slice_loss=SLICE_LOSS, slice_rows=500),
    truth="late",
    baseline="guess",
    units="day",
    slices=["origin", "carrier"],
)

gate, champion = promotion(model, held_out, CONTEST, along=training_set)
