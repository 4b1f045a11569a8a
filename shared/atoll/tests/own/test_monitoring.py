"""Drift and decay as checks in Dagster, week by week."""

import dagster as dg
import numpy as np
import pandas as pd
import pytest

from atoll import UserError
from atoll.io_manager import StoreIOManager
from atoll.monitoring import decay, drift
from atoll.promotion.champion import promotion
from atoll.promotion.contest import Contest
from atoll.promotion.gate import Gate

WEEKS = dg.WeeklyPartitionsDefinition(start_date="2013-03-03", end_date="2013-04-14")
FIRST, SECOND, THIRD = WEEKS.get_partition_keys()[:3]
# How much the hint of a week is worth, and how warm the week is.
WORTH: dict[str, float] = {}
WARMTH: dict[str, float] = {}
CONTEST = Contest(Gate("roc_auc"), truth="late", baseline="guess", units="day")


class Hinted:
    """A model that believes the hint."""

    def predict(self, rows):
        return rows["hint"]


def make_days(seed, days, worth=1.0, warmth=0.0):
    draw = np.random.default_rng(seed)
    day = np.repeat(np.arange(days), 200)
    late = draw.random(len(day)) < 0.3
    return pd.DataFrame(
        {
            "late": late,
            "hint": worth * late + draw.normal(0, 1, len(day)),
            "guess": draw.random(len(day)),
            "warmth": draw.normal(warmth, 1, days)[day],
            "day": [f"{seed} {number}" for number in day],
        }
    )


@dg.asset(key_prefix="delays", partitions_def=WEEKS, group_name="delays", owners=["team:data"])
def training_set():
    return make_days(0, 70)


@dg.asset(key_prefix="delays", partitions_def=WEEKS)
def held_out(context):
    week = context.partition_key
    return make_days(int(week.replace("-", "")), 7, WORTH.get(week, 1.0), WARMTH.get(week, 0.0))


@dg.asset(key_prefix="delays", partitions_def=WEEKS, kinds={"mlflow"}, deps=[training_set])
def model():
    return Hinted()


gate, champion = promotion(model, held_out, CONTEST)


@dg.asset(key_prefix="delays", partitions_def=WEEKS, deps=[champion])
def evaluation():
    return 1


no_decay = decay(evaluation, model, champion, held_out, CONTEST)
drifted, no_drift = drift(held_out, training_set, ["warmth", "guess"], units="day")
EVERYTHING = [training_set, held_out, model, gate, champion, evaluation, no_decay, drifted, no_drift]


@pytest.fixture
def instance(store_folder, monkeypatch):
    monkeypatch.setenv("ATOLL_PROFILE", "full")
    WORTH.clear()
    WARMTH.clear()
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


def make(instance, week):
    resources = {"io_manager": StoreIOManager()}
    result = dg.materialize(EVERYTHING, partition_key=week, instance=instance, resources=resources)
    return result, {found.check_name: found for found in result.get_asset_check_evaluations()}


def test_a_champion_that_is_worth_less_than_when_it_was_promoted_has_decayed(instance):
    assert make(instance, FIRST)[1]["decay"].description == "There is no champion yet."
    kept = make(instance, SECOND)[1]["decay"]
    assert kept.passed
    assert kept.description.startswith("Version 1 is +0.2")
    WORTH[THIRD] = 0.0
    lost = make(instance, THIRD)[1]["decay"]
    assert (lost.passed, lost.severity, lost.blocking) == (False, dg.AssetCheckSeverity.WARN, False)
    assert lost.metadata["gain"].value < 0.1 < lost.metadata["gain when it was judged"].value
    assert "in roc_auc; when it was judged it was +0.2" in lost.description


def test_decay_needs_a_baseline_to_go_by():
    with pytest.raises(UserError) as caught:
        decay(evaluation, model, champion, held_out, Contest(Gate("roc_auc", beat_baseline=False), truth="late"))
    assert caught.value.what == "Decay of delays/champion cannot be measured."


def test_inputs_that_have_moved_are_named_and_the_figures_shown(instance):
    result, checks = make(instance, FIRST)
    assert (checks["drift"].passed, checks["drift"].description) == (True, "None of 2 columns has moved.")
    WARMTH[SECOND] = 4.0
    result, checks = make(instance, SECOND)
    found = checks["drift"]
    assert (found.passed, found.severity) == (False, dg.AssetCheckSeverity.WARN)
    assert found.description.startswith("Moved: warmth (")
    (made,) = result.asset_materializations_for_node("delays__drift")
    assert made.metadata["columns that have drifted"].value == 1
    table = made.metadata["columns"].value.splitlines()
    assert table[0] == "| column | stability index | by chance up to | moved |"
    assert table[2].startswith("| warmth | ") and table[2].endswith(" | yes |")
    spec = drifted.get_asset_spec()
    assert (spec.key.to_user_string(), spec.group_name, list(spec.owners)) == ("delays/drift", "delays", ["team:data"])
