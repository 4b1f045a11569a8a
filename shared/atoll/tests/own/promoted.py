"""Models that see some of the truth, their gate and their champion: week by week, and without weeks."""

import dagster as dg
import numpy as np
import pandas as pd

from atoll import load, settings
from atoll.io_manager import StoreIOManager
from atoll.promotion.champion import promotion
from atoll.promotion.contest import Contest
from atoll.promotion.gate import Gate
from atoll.promotion.registry import Registry
from atoll.report import progress
from atoll.storage.journal import Journal

WEEKS = dg.WeeklyPartitionsDefinition(start_date="2013-03-03", end_date="2013-04-14")
FIRST, SECOND, THIRD, FOURTH = WEEKS.get_partition_keys()[:4]
# How much of the truth the model of a week sees; and what is wrong with it.
SKILL: dict[str, float] = {}
BROKEN: set[str] = set()
INCOMPLETE: set[str] = set()
CONTEST = Contest(Gate("roc_auc"), truth="late", baseline="guess", units="day", slices=["origin"])


class Sighted:
    """A model that sees some of the truth."""

    def __init__(self, week, skill):
        self.week, self.skill = week, skill

    def predict(self, rows):
        if self.week in BROKEN:
            raise RuntimeError("it was fitted by another library")
        return rows["hint"] * self.skill + rows["noise"] * (1 - self.skill)


@dg.asset(key_prefix="delays", group_name="delays", partitions_def=WEEKS)
def held_out(context):
    draw = np.random.default_rng(int(context.partition_key.replace("-", "")))
    late = draw.random(2_000) < 0.3
    return pd.DataFrame(
        {
            "late": late,
            "hint": late + draw.normal(0, 1, 2_000),
            "noise": draw.normal(0, 1, 2_000),
            "guess": draw.random(2_000),
            "day": np.arange(2_000) % 7,
            "origin": np.where(draw.random(2_000) < 0.5, "EWR", "JFK"),
        }
    )


@dg.asset_check(asset=held_out, partitions_def=WEEKS, name="complete")
def complete(context, held_out):
    return dg.AssetCheckResult(passed=context.partition_key not in INCOMPLETE)


@dg.asset(key_prefix="delays", partitions_def=WEEKS, kinds={"mlflow"}, owners=["team:data"], group_name="delays")
def model(context, held_out):
    return Sighted(context.partition_key, SKILL[context.partition_key])


gate, champion = promotion(model, held_out, CONTEST)


@dg.asset(key_prefix="prices", group_name="prices")
def rows():
    return pd.DataFrame({"price": np.arange(100.0), "guess": 50.0, "error": np.arange(100) % 7})


@dg.asset(key_prefix="prices", kinds={"mlflow"}, group_name="prices")
def estimator():
    return Estimator(SKILL["all"])


class Estimator:
    def __init__(self, skill):
        self.skill = skill

    def predict(self, rows):
        return rows["price"] + rows["error"] * (1 - self.skill)


whole_gate, whole_champion = promotion(
    estimator, rows, Contest(Gate("neg_mean_absolute_error"), truth="price", baseline="guess")
)

# What a real run finds; those of the functions below are in memory.
defs = dg.Definitions(
    assets=[held_out, model, champion],
    asset_checks=[complete, gate],
    resources={"io_manager": StoreIOManager()},
    loggers={"progress": progress},
    executor=dg.in_process_executor,
)


def make(instance, week, skill, **tags):
    SKILL[week] = skill
    return dg.materialize(
        [held_out, complete, model, gate, champion],
        partition_key=week,
        instance=instance,
        resources={"io_manager": StoreIOManager()},
        tags=tags,
        raise_on_error=False,
    )


def make_whole(instance, skill, *selection):
    SKILL["all"] = skill
    return dg.materialize(
        [rows, estimator, whole_gate, whole_champion],
        selection=selection or None,
        instance=instance,
        resources={"io_manager": StoreIOManager()},
        raise_on_error=False,
    )


def find_champion(instance, week):
    """The week whose model the champion of a week is."""
    made = dg.materialize(
        [held_out, model, champion],
        selection=[champion],
        partition_key=week,
        instance=instance,
        resources={"io_manager": StoreIOManager()},
    )
    assert made.success
    found = load("delays/champion", week)
    return None if found is None else found.week


def registry(profile="full"):
    return Registry(Journal(settings().store), profile, "delays")


def gate_of(result):
    (found,) = [e for e in result.get_asset_check_evaluations() if e.check_name == "gate"]
    return found
