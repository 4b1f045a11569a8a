"""The gate behind the model, and the champion behind the gate."""

import dagster as dg

from atoll.promotion.champion import promotion
from atoll.promotion.contest import Contest
from atoll.promotion.gate import Gate
from product_recommendations.defs.baskets import training_baskets
from product_recommendations.defs.location import LOCATION, OWNERS
from product_recommendations.defs.model import model

SEED = 0


@dg.asset(key_prefix=LOCATION, group_name=LOCATION, kinds={"pandas"}, owners=OWNERS)
def held_out(baskets, household_history, popularity):
    """What challenger and champion are judged by: baskets from November 2017 on, each without one hidden item.

    One row a question, with what its household bought before, and whether the baseline finds the hidden item.
    """
    from product_recommendations.popularity import Popularity
    from product_recommendations.questions import tabulate_questions
    from product_recommendations.split import START_OF_TEST, hold_out, split_baskets

    asked = hold_out(split_baskets(baskets, START_OF_TEST)[1], SEED)
    return tabulate_questions(asked, household_history, Popularity.from_counts(popularity))


@dg.asset_check(asset=held_out, additional_ins={"training_baskets": dg.AssetIn(training_baskets.key)}, blocking=True)
def tested_after_training(held_out, training_baskets):
    """Every question is later than every training basket, and does not give its answer away."""
    last, first = training_baskets["time"].max(), held_out["time"].min()
    given = sum(item in items for item, items in zip(held_out["item"], held_out["given"], strict=True))
    return dg.AssetCheckResult(
        passed=bool(last < first and not given),
        description=f"Training ends {last}, the test begins {first}; {given} of {len(held_out):,} answers are given.",
    )


# Of hit rates. Models of one trainer, each on other four fifths of the households, differ by up to 0.010 in a slice of
# at least 1,000 questions, and by more in smaller ones: the floor is twice that, and smaller slices are not judged.
SLICE_LOSS, SLICE_ROWS = 0.02, 1_000

gate, champion = promotion(
    model,
    held_out,
    Contest(
        Gate("mean", slice_loss=SLICE_LOSS, slice_rows=SLICE_ROWS),
        baseline="popularity",
        units="household_id",
        slices=["basket_size", "repetition", "department"],
        score="product_recommendations.evaluation:score_questions",
    ),
)
