"""How good the model is, and the checks that stop one that is not."""

import dagster as dg

from atoll import plot, settings
from product_recommendations.defs.location import LOCATION, OWNERS, WEEKLY


@dg.asset(
    key_prefix=LOCATION,
    group_name=LOCATION,
    kinds={"pandas", "matplotlib", "mlflow"},
    owners=OWNERS,
    freshness_policy=WEEKLY,
)
def evaluation(held_out, item2vec, model):
    """How often the hidden item of a test basket is among ten recommended, for model, baseline and item2vec.

    `gain` is the model's hit rate less that of popularity on the same baskets. `_low` and `_high` are the ends of a
    95 % bootstrap interval over households.
    """
    from product_recommendations.evaluation import evaluate, find_headlines, tabulate
    from product_recommendations.plots import draw_recommenders, draw_slices

    table = evaluate(held_out, item2vec, model)
    return dg.MaterializeResult(
        value=table,
        metadata={
            **{f"metric/{name}": value for name, value in find_headlines(table).items()},
            "recommenders": plot(draw_recommenders(table)),
            "slices": plot(draw_slices(table)),
            "measured": dg.MetadataValue.md(tabulate(table)),
        },
    )


@dg.asset_check(asset=evaluation, blocking=True)
def beats_popularity(evaluation):
    """The model finds more hidden items than popularity does.

    On everything the whole interval of the gain must be above 0; on the sample, with few households, the gain itself.
    """
    from product_recommendations.evaluation import find_headlines

    found = find_headlines(evaluation)
    decisive, name = (found["gain"], "gain") if settings().sample else (found["gain_low"], "lower end")
    return dg.AssetCheckResult(
        passed=decisive > 0,
        description=(
            f"The model finds {found['hit_rate']:.1%} of hidden items, popularity {found['hit_rate_baseline']:.1%}. "
            f"The gain is {found['gain']:+.3f} (95 % interval {found['gain_low']:+.3f} to {found['gain_high']:+.3f}); "
            f"in the profile {settings().profile} the {name} must be above 0."
        ),
    )
