"""The gate behind the model, and the champion behind the gate."""

import dagster as dg

from atoll.promotion.champion import promotion
from atoll.promotion.contest import Contest
from vehicle_prices.components.attributes import PriceGate
from vehicle_prices.components.place import Place


def define_promotion(place: Place, model: dg.AssetsDefinition, gate: PriceGate) -> dg.Definitions:
    """Define what a model is judged by, its gate and the champion."""

    @place.asset(kinds={"pandas"})
    def held_out(test_set, median_price):
        """What challenger and champion are judged by: the test cars, with what the baseline guesses."""
        return test_set.assign(guess=median_price)

    contest = Contest(
        gate.rule,
        truth="price_usd",
        baseline="guess",
        slices=gate.slices,
        score="vehicle_prices.predictions:estimate_price",
    )
    check, champion = promotion(model, held_out, contest)
    return dg.Definitions(assets=[held_out, champion], asset_checks=[check])
