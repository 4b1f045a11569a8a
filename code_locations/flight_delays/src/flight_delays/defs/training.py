"""What a week's model learns from, the baseline, and the model."""

from typing import Any

import dagster as dg
from pydantic import Field

from atoll.automation import on_update, on_week_of
from flight_delays.defs.features import examples
from flight_delays.defs.location import LOCATION, MODEL_WEEKS, OWNERS, WEEK_IS_DONE, WEEKLY

TEN_WEEKS_BEFORE = dg.TimeWindowPartitionMapping(start_offset=-10, end_offset=-1)


class Training(dg.Config):
    """Which trainer learns, and with which parameters of its estimator (by scikit-learn's names)."""

    trainer: str = "gradient_boosting"
    parameters: dict[str, Any] = Field(default_factory=dict)


@dg.asset(
    key_prefix=LOCATION,
    group_name=LOCATION,
    ins={
        "examples": dg.AssetIn(
            examples.key, partition_mapping=TEN_WEEKS_BEFORE, metadata={"allow_missing_partitions": True}
        )
    },
    partitions_def=MODEL_WEEKS,
    automation_condition=on_week_of("flight_delays/features") & WEEK_IS_DONE,
    kinds={"pandas"},
    owners=OWNERS,
)
def training_set(examples):
    """The examples of the ten weeks before, each with how often such flights were late in the weeks before its own.

    Made when the week's features are there. A week of the ten that has not arrived yet is left out; when it arrives, or
    is corrected, later weeks are not made anew by themselves.
    """
    from flight_delays.history import add_weekly_history
    from flight_delays.window import join_weeks

    table = add_weekly_history(join_weeks(examples))
    return dg.MaterializeResult(
        value=table, metadata={"weeks": int(table["week"].nunique()), "share late": float(table["late"].mean())}
    )


@dg.asset_check(asset=training_set, name="see_no_future", partitions_def=MODEL_WEEKS, blocking=True)
def history_sees_no_future(training_set):
    """No feature changes when the outcomes of its week and of later weeks do."""
    from flight_delays.future import describe_leaks, find_history_leaks
    from flight_delays.history import add_weekly_history

    leaks = find_history_leaks(training_set, add_weekly_history)
    return dg.AssetCheckResult(passed=not leaks, description=describe_leaks(leaks), metadata=leaks)


@dg.asset_check(asset=training_set, partitions_def=MODEL_WEEKS)
def ten_weeks_are_there(training_set):
    """All of the ten weeks before have arrived: a warning, not a stop."""
    from flight_delays.window import WEEKS

    weeks = training_set["week"].nunique()
    return dg.AssetCheckResult(
        passed=weeks == WEEKS,
        severity=dg.AssetCheckSeverity.WARN,
        description=f"{weeks} of {WEEKS} weeks to learn from.",
    )


@dg.asset(
    key_prefix=LOCATION,
    group_name=LOCATION,
    partitions_def=MODEL_WEEKS,
    automation_condition=on_update(),
    kinds={"pandas"},
    owners=OWNERS,
)
def baseline(training_set):
    """How often flights of the same carrier at the same hour were late in the ten weeks before."""
    from flight_delays.baseline import count_rates

    return count_rates(training_set)


@dg.asset(
    key_prefix=LOCATION,
    group_name=LOCATION,
    partitions_def=MODEL_WEEKS,
    kinds={"scikitlearn", "mlflow"},
    owners=OWNERS,
    freshness_policy=WEEKLY,
)
def model(training_set, config: Training):
    """The model of a week, which has seen the weeks before only; `retraining` asks for it.

    The same examples and configuration give the same file, bit for bit.
    """
    from flight_delays.training import make_trainer

    trained = make_trainer(config.trainer, config.parameters).train(training_set)
    return dg.MaterializeResult(value=trained, metadata={"flights": len(training_set)})
