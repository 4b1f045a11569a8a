"""How likely the flights of a week are late."""

import dagster as dg

from atoll.automation import on_update
from atoll.promotion.champion import find_version
from flight_delays.defs.features import features
from flight_delays.defs.location import LOCATION, MODEL_WEEKS, OWNERS, WEEK_IS_DONE, WEEKLY
from flight_delays.defs.promotion import champion
from flight_delays.defs.training import model, training_set


@dg.asset(
    key_prefix=LOCATION,
    group_name=LOCATION,
    partitions_def=MODEL_WEEKS,
    automation_condition=on_update() & WEEK_IS_DONE,
    kinds={"pandas"},
    owners=OWNERS,
    freshness_policy=WEEKLY,
)
def predictions(context: dg.AssetExecutionContext, champion, features, training_set, baseline):
    """The probability that each flight of a week arrives more than 15 minutes late, by the week's champion.

    Where there is no champion yet it is what the baseline guesses; `made_by` says which. For every flight, also those
    that will be cancelled: that is not known before departure. The training set gives the history of carriers, hours,
    routes and flights.
    """
    from flight_delays.predictions import guess_delays, predict_delays

    version = find_version(model, context.partition_key)
    if version is None:
        table = guess_delays(baseline, features)
    else:
        table = predict_delays(champion, features, training_set, f"version {version.number}")
    return dg.MaterializeResult(
        value=table,
        metadata={"made by": table["made_by"].iloc[0], "mean probability": float(table["probability"].mean())},
    )


@dg.asset_check(
    asset=predictions,
    additional_ins={"features": dg.AssetIn(features.key)},
    partitions_def=MODEL_WEEKS,
    blocking=True,
)
def are_probabilities(predictions, features):
    """Every flight of the week has one prediction, from 0 to 1."""
    wrong = int((~predictions["probability"].between(0, 1)).sum())
    same = sorted(predictions["flight_id"]) == sorted(features["flight_id"])
    return dg.AssetCheckResult(
        passed=wrong == 0 and same,
        description=f"{wrong} of {len(predictions):,} are no probabilities; "
        f"{'each flight has one' if same else 'they are not of the flights of the week'}.",
    )


@dg.asset_check(
    asset=predictions,
    additional_ins={"champion": dg.AssetIn(champion.key), "training_set": dg.AssetIn(training_set.key)},
    partitions_def=MODEL_WEEKS,
    blocking=True,
)
def come_after_training(predictions, champion, training_set):
    """Every flight that the champion has learnt from, or that the history is of, was to depart before the week's first.

    The baseline is counted on the same flights as the history.
    """
    learnt = [training_set["sched_dep_time"].max(), *([] if champion is None else [champion.learnt_until])]
    last, first = max(learnt), predictions["sched_dep_time"].min()
    return dg.AssetCheckResult(
        passed=bool(last < first), description=f"Learnt from flights until {last}, asked about flights from {first}."
    )
