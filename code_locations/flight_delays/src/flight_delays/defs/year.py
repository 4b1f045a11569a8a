"""The year, week by week."""

import dagster as dg

from atoll import plot
from atoll.automation import on_any_update
from atoll.promotion.champion import read_decisions
from flight_delays.defs.evaluation import HEADLINES, evaluation
from flight_delays.defs.location import LOCATION, OWNERS, WEEKLY
from flight_delays.defs.training import model

FEWEST_WEEKS = 26


@dg.asset(
    key_prefix=LOCATION,
    group_name=LOCATION,
    ins={
        "evaluations": dg.AssetIn(
            evaluation.key,
            partition_mapping=dg.AllPartitionMapping(),
            metadata={"allow_missing_partitions": True},
        )
    },
    deps=[dg.AssetDep(model, partition_mapping=dg.AllPartitionMapping())],
    automation_condition=on_any_update(checked=[f"{LOCATION}/model"]),
    kinds={"matplotlib", "mlflow"},
    owners=OWNERS,
    freshness_policy=WEEKLY,
)
def year(evaluations):
    """All weeks that were evaluated: means over weeks, each of which counts once, and what was decided of each model.

    `_low` and `_high` are the ends of a 95 % bootstrap interval over weeks, with model and baseline in the same ones.
    """
    from flight_delays.plots import draw_year
    from flight_delays.year import summarize, tabulate_weeks

    summary = summarize(evaluations, read_decisions(model))
    return dg.MaterializeResult(
        value=summary,
        metadata={
            **{f"metric/{name}": summary["metrics"][name] for name in HEADLINES},
            "weeks": len(summary["weeks"]),
            "weeks won": summary["weeks_won"],
            "models promoted": sum(
                week["decision"] is not None and week["decision"]["outcome"] == "promoted" for week in summary["weeks"]
            ),
            "week by week": plot(draw_year(summary)),
            "decisions": dg.MetadataValue.md(tabulate_weeks(summary["weeks"])),
        },
    )


@dg.asset_check(asset=year, blocking=True)
def beats_baseline_on_the_year(year):
    """Over all weeks AUC and Brier score are better than the baseline's, with intervals above zero.

    Until there is half a year, an interval over weeks says little, and what fails is a warning.
    """
    weeks, metrics = len(year["weeks"]), year["metrics"]
    told = [
        f"{label} {metrics[name]:+.4f} (95 % interval {metrics[f'{name}_low']:+.4f} to {metrics[f'{name}_high']:+.4f})"
        for label, name in (("AUC", "auc_gain"), ("Brier score", "brier_gain"))
    ]
    return dg.AssetCheckResult(
        passed=metrics["auc_gain_low"] > 0 and metrics["brier_gain_low"] > 0,
        severity=dg.AssetCheckSeverity.ERROR if weeks >= FEWEST_WEEKS else dg.AssetCheckSeverity.WARN,
        description=f"Better than the baseline over {weeks} weeks by: {', '.join(told)}.",
    )
