"""How good the predictions of a week were, and the checks on that."""

import math

import dagster as dg

from atoll import plot
from atoll.automation import on_update
from flight_delays.defs.aviation import AIRLINES
from flight_delays.defs.location import LOCATION, MODEL_WEEKS, OWNERS, WEEK_IS_DONE, WEEKLY

HEADLINES = [
    "auc",
    "auc_low",
    "auc_high",
    "auc_baseline",
    "auc_gain",
    "auc_gain_low",
    "auc_gain_high",
    "brier",
    "brier_baseline",
    "brier_gain",
    "brier_gain_low",
    "brier_gain_high",
]


@dg.asset(
    key_prefix=LOCATION,
    group_name=LOCATION,
    ins={"airlines": dg.AssetIn(AIRLINES.key)},
    partitions_def=MODEL_WEEKS,
    automation_condition=on_update(ignore=["aviation_data/airlines"]) & WEEK_IS_DONE,
    kinds={"pandas", "matplotlib", "mlflow"},
    owners=OWNERS,
    freshness_policy=WEEKLY,
)
def evaluation(predictions, outcomes, baseline, airlines):
    """Predictions of a week against how its flights ended, beside the baseline on the same flights.

    `auc` is the area under the ROC curve (0.5 is chance), `brier` the mean squared error of the probability; `_gain` is
    the advantage over the baseline, positive when the model is better. `_low` and `_high` are the ends of a 95 %
    bootstrap interval over days: flights of a day share its weather. Flights that did not arrive are counted only.
    """
    from flight_delays.evaluation import evaluate, tabulate_slices
    from flight_delays.plots import draw_calibration, draw_slices

    result = evaluate(predictions, outcomes, baseline, airlines)
    return dg.MaterializeResult(
        value=result,
        metadata={
            **{f"metric/{name}": result["metrics"][name] for name in HEADLINES},
            "made by": result["made_by"],
            "bias": result["metrics"]["bias"],
            "flights": result["flights"],
            "share late": result["late_share"],
            **{f"flights: {state.replace('_', ' ')}": flights for state, flights in result["states"].items()},
            "calibration": plot(draw_calibration(result)),
            "AUC by slice": plot(draw_slices(result["slices"])),
            "slices": dg.MetadataValue.md(tabulate_slices(result["slices"])),
        },
    )


@dg.asset_check(asset=evaluation, partitions_def=MODEL_WEEKS, blocking=True)
def metrics_are_finite(evaluation):
    """Every metric, overall, in each slice and in each bin of the calibration, is a finite number."""
    measured = [evaluation["metrics"], *evaluation["slices"], *evaluation["calibration"]]
    numbers = [value for entry in measured for value in entry.values() if isinstance(value, float)]
    wrong = sum(not math.isfinite(number) for number in numbers)
    return dg.AssetCheckResult(
        passed=wrong == 0 and len(numbers) > 0,
        description=f"{wrong} of {len(numbers)} numbers are not finite.",
    )


@dg.asset_check(asset=evaluation, partitions_def=MODEL_WEEKS)
def beats_baseline(evaluation):
    """The champion ranks the flights of the week better than the baseline: a warning, for single weeks are noisy."""
    from flight_delays.baseline import FALLBACK

    metrics = evaluation["metrics"]
    return dg.AssetCheckResult(
        passed=metrics["auc_gain"] > 0 or evaluation["made_by"] == FALLBACK,
        severity=dg.AssetCheckSeverity.WARN,
        description=(
            f"AUC {metrics['auc']:.3f} by {evaluation['made_by']}, baseline {metrics['auc_baseline']:.3f}: "
            f"{metrics['auc_gain']:+.3f} "
            f"(95 % interval {metrics['auc_gain_low']:+.3f} to {metrics['auc_gain_high']:+.3f})."
        ),
    )
