"""How good the model is, and the checks that stop one that is not."""

import math

import dagster as dg

from atoll import plot, settings
from vehicle_prices.components.attributes import HighestRatio
from vehicle_prices.components.place import WEEKLY, Place

HEADLINES = [
    "mae",
    "mae_low",
    "mae_high",
    "mae_baseline",
    "ratio",
    "ratio_low",
    "ratio_high",
    "ape_median",
    "coverage",
]


def define_evaluation(place: Place, highest_ratio: HighestRatio, lowest_coverage: float) -> dg.Definitions:
    """Define the evaluation and the checks of its figures."""

    @place.asset(kinds={"pandas", "matplotlib", "mlflow"}, freshness_policy=WEEKLY)
    def evaluation(model, median_price, test_set):
        """Errors on the test cars, each counted once, beside those of the median guess, overall and by slice.

        `mae` is the mean absolute error in US dollars, `ratio` the model's divided by the baseline's, `ape_median` the
        median error as a share of the price, `coverage` the share of prices in their 90 % interval. `_low` and `_high`
        are the ends of a 95 % bootstrap interval over cars.
        """
        from vehicle_prices.evaluation import evaluate, tabulate_slices
        from vehicle_prices.plots import draw_estimates, draw_slices

        predictions = model.predict(test_set)
        result = evaluate(test_set, predictions, median_price)
        return dg.MaterializeResult(
            value=result,
            metadata={
                **{f"metric/{name}": result["metrics"][name] for name in HEADLINES},
                "cars": result["cars"],
                "estimates": plot(draw_estimates(test_set, predictions, result["metrics"])),
                "error by slice": plot(draw_slices(result["slices"])),
                "slices": dg.MetadataValue.md(tabulate_slices(result["slices"])),
            },
        )

    @dg.asset_check(asset=evaluation, blocking=True)
    def metrics_are_finite(evaluation):
        """Every metric, overall and in each slice, is a finite number."""
        measured = [evaluation["metrics"], *evaluation["slices"]]
        numbers = [value for entry in measured for value in entry.values() if isinstance(value, float)]
        wrong = sum(not math.isfinite(number) for number in numbers)
        return dg.AssetCheckResult(
            passed=wrong == 0 and len(numbers) > 0,
            description=f"{wrong} of {len(numbers)} numbers are not finite.",
        )

    @dg.asset_check(
        asset=evaluation,
        blocking=True,
        description=(
            "The error is well below that of the median guess.\n\n"
            f"On everything the upper end of the interval of `ratio` must be under {highest_ratio.full:g}; "
            f"on the sample, with few cars, under {highest_ratio.sample:g}."
        ),
    )
    def beats_baseline(evaluation):
        profile, metrics = settings().profile, evaluation["metrics"]
        limit = getattr(highest_ratio, profile)
        return dg.AssetCheckResult(
            passed=metrics["ratio_high"] < limit,
            description=(
                f"The model is off by ${metrics['mae']:,.0f} on average, the median guess by "
                f"${metrics['mae_baseline']:,.0f}; the ratio is {metrics['ratio']:.3f} "
                f"(95 % interval {metrics['ratio_low']:.3f} to {metrics['ratio_high']:.3f}). "
                f"The upper end must be under {limit} in the profile {profile}."
            ),
        )

    @dg.asset_check(asset=evaluation)
    def interval_covers(evaluation):
        """The 90 % intervals of the predictions hold about that share of prices: a warning, not a stop."""
        metrics = evaluation["metrics"]
        return dg.AssetCheckResult(
            passed=metrics["coverage_high"] >= 0.9 and metrics["coverage"] >= lowest_coverage,
            severity=dg.AssetCheckSeverity.WARN,
            description=(
                f"{metrics['coverage']:.1%} of prices lie in their interval "
                f"(95 % interval {metrics['coverage_low']:.1%} to {metrics['coverage_high']:.1%})."
            ),
        )

    return dg.Definitions(assets=[evaluation], asset_checks=[metrics_are_finite, beats_baseline, interval_covers])
