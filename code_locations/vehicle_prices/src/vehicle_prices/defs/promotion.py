"""The gate behind the model, and the champion behind the gate."""

import dagster as dg

from atoll.contest import Contest
from atoll.gate import Gate
from atoll.promotion import promotion
from vehicle_prices.defs.location import LOCATION, OWNERS
from vehicle_prices.defs.model import model


@dg.asset(key_prefix=LOCATION, group_name=LOCATION, kinds={"pandas"}, owners=OWNERS)
def held_out(test_set, median_price):
    """What challenger and champion are judged by: the test cars, with what the baseline guesses."""
    return test_set.assign(guess=median_price)


# US dollars: no kind of vehicle may be estimated worse by more than that on average.
SLICE_LOSS = 500

gate, champion = promotion(
    model,
    held_out,
    Contest(
        Gate("neg_mean_absolute_error", slice_loss=SLICE_LOSS),
        truth="price_usd",
        baseline="guess",
        slices=["type", "condition"],
        score="vehicle_prices.predictions:estimate_price",
    ),
)
