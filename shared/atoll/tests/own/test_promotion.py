"""The gate in front of a champion, in Dagster, week by week."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import dagster as dg
import pytest
from promoted import (
    BROKEN,
    CONTEST,
    FIRST,
    FOURTH,
    INCOMPLETE,
    SECOND,
    SKILL,
    THIRD,
    WEEKS,
    Sighted,
    champion,
    complete,
    estimator,
    find_champion,
    gate_of,
    held_out,
    make,
    make_whole,
    model,
    registry,
    whole_champion,
)

from atoll import UserError, load, settings
from atoll.automation import on_update
from atoll.commands.execution import execute
from atoll.commands.inspection import list_models
from atoll.io_manager import StoreIOManager
from atoll.promotion.champion import find_version, promotion, read_decisions
from atoll.promotion.contest import Contest
from atoll.promotion.gate import Gate
from atoll.storage.journal import Journal
from atoll.storage.store import Slot, Store
from atoll.storage.values import read

pytestmark = pytest.mark.usefixtures("untrained")


def test_the_first_model_is_promoted_when_it_beats_the_baseline(instance):
    result = make(instance, FIRST, 0.5)
    assert result.success
    assert gate_of(result).passed
    assert gate_of(result).metadata["outcome"].value == "promoted"
    assert registry().champion().number == 1


def test_a_week_is_predicted_by_what_the_weeks_before_have_left_and_never_by_its_own(instance):
    make(instance, FIRST, 0.4)
    assert load("delays/champion", FIRST) is None
    make(instance, SECOND, 0.9)
    assert load("delays/champion", SECOND).week == FIRST
    for week, expected in ((FIRST, None), (SECOND, FIRST), (THIRD, SECOND), (FOURTH, SECOND)):
        assert find_champion(instance, week) == expected


def test_where_no_model_was_promoted_the_champion_of_a_week_is_none_and_nothing_stops(instance):
    refused = make(instance, FIRST, 0.0)
    assert refused.success
    assert (gate_of(refused).passed, gate_of(refused).severity) == (False, dg.AssetCheckSeverity.WARN)
    make(instance, SECOND, 0.0)
    assert load("delays/champion", SECOND) is None
    assert find_version(model, SECOND) is None
    (made,) = [e for e in refused.get_asset_materialization_events() if e.asset_key == champion.key]
    assert made.materialization.metadata["version"].value == "none: no model was promoted before this week"


def test_the_version_of_a_champion_and_what_was_decided_can_be_read(instance):
    make(instance, FIRST, 0.4)
    make(instance, SECOND, 0.9)
    assert find_version(model, SECOND).manifest.partition == FIRST
    assert find_version(model, THIRD) is None
    find_champion(instance, THIRD)
    assert find_version(model, THIRD).number == 2
    assert [decision.partition for decision in read_decisions(model)] == [FIRST, SECOND]


def test_the_champion_of_a_week_follows_the_model_of_the_week_before_and_comes_along_with_its_own_week():
    @dg.asset(key_prefix="delays", partitions_def=WEEKS, automation_condition=on_update())
    def training_set():
        return 1

    _, own = promotion(model, held_out, CONTEST, along=training_set)
    assert own.get_asset_spec().automation_condition.get_label() == "along_with(delays/training_set)"
    assert champion.get_asset_spec().automation_condition is None
    mapping = own.get_partition_mapping(model.key)
    assert mapping == dg.TimeWindowPartitionMapping(-1, -1, allow_nonexistent_upstream_partitions=True)
    assert own.get_partition_mapping(training_set.key) is None


def test_the_champion_of_a_week_that_is_made_by_itself_needs_something_to_come_along_with():
    kinds = {"mlflow"}

    @dg.asset(key_prefix="delays", name="model", partitions_def=WEEKS, automation_condition=on_update(), kinds=kinds)
    def automated():
        return 1

    with pytest.raises(UserError) as caught:
        promotion(automated, held_out, CONTEST)
    assert caught.value.what == "The champion of delays/model has nothing to be made along with."
    assert caught.value.how.startswith("Give promotion(..., along=...) an asset that its week begins with")


def test_without_partitions_the_champion_is_the_one_promoted_last(instance):
    assert make_whole(instance, 0.5).success
    assert load("prices/champion").skill == 0.5
    assert make_whole(instance, 0.8).success
    assert load("prices/champion").skill == 0.8
    assert find_version(estimator).number == 2


def test_a_first_model_without_partitions_that_is_refused_stops_there(instance):
    result = make_whole(instance, -20.0)
    assert not result.success
    assert {event.asset_key.path[-1] for event in result.get_asset_materialization_events()} == {"rows", "estimator"}


def test_a_better_model_is_promoted_and_a_worse_one_refused_with_the_figures(instance):
    make(instance, FIRST, 0.4)
    better = make(instance, SECOND, 0.9)
    assert gate_of(better).passed
    worse = make(instance, THIRD, 0.3)
    assert worse.success
    found = gate_of(worse)
    assert (found.passed, found.severity, found.blocking) == (False, dg.AssetCheckSeverity.WARN, True)
    assert found.description.startswith("Refused: roc_auc is 0.")
    assert found.metadata["roc_auc: gain"].value < 0
    assert "| gain over the champion, lower end |" in found.metadata["conditions"].value
    assert load("delays/champion", THIRD).week == SECOND
    assert [decision.outcome for decision in registry().decisions()] == ["promoted", "promoted", "refused"]


def test_a_decision_is_whole_and_says_who_asked(instance):
    make(instance, FIRST, 0.4)
    result = make(instance, SECOND, 0.9, **{"dagster/schedule_name": "weekly_retraining"})
    decision = list(registry().decisions())[-1]
    assert decision.asked == {"by": "schedule", "name": "weekly_retraining", "run_id": result.run_id}
    assert (decision.partition, decision.challenger, decision.before, decision.champion) == (SECOND, 2, 1, 2)
    assert decision.rule["metric"] == "roc_auc"
    assert decision.figures["rows"] == 2_000
    assert {row["value"] for row in decision.figures["slices"]} == {"EWR", "JFK"}
    versions = list(registry().versions())
    assert [version.manifest.partition for version in versions] == [FIRST, SECOND]
    assert (
        decision.held_out
        == Store(settings().store).get(Slot("full", ("delays", "held_out"), SECOND)).manifest.data_version
    )


def test_the_same_week_trained_twice_is_no_second_version_and_no_second_decision(instance):
    for _ in range(2):
        make(instance, FIRST, 0.4)
        make(instance, SECOND, 0.9)
    assert len(list(registry().versions())) == 2
    assert [decision.challenger for decision in registry().decisions()] == [1, 2]


def test_each_week_is_judged_against_what_the_weeks_before_had_left(instance):
    make(instance, FIRST, 0.4)
    make(instance, THIRD, 0.9)
    make(instance, SECOND, 0.6)
    late = list(registry().decisions())[-1]
    assert (late.partition, late.before) == (SECOND, 1)
    assert registry().champion().manifest.partition == THIRD
    assert load("delays/champion", SECOND).week == FIRST


def test_a_champion_that_no_longer_loads_is_said_and_the_gate_goes_on(instance):
    make(instance, FIRST, 0.4)
    BROKEN.add(FIRST)
    result = make(instance, SECOND, 0.5)
    assert gate_of(result).passed
    assert "version 1: RuntimeError: it was fitted by another library" in gate_of(result).description


def test_a_model_made_from_data_whose_check_failed_is_refused(instance):
    make(instance, FIRST, 0.4)
    INCOMPLETE.add(SECOND)
    resources = {"io_manager": StoreIOManager()}
    dg.materialize([held_out, complete], partition_key=SECOND, instance=instance, resources=resources)
    assert "data checks failed: delays/held_out:complete" in gate_of(make(instance, SECOND, 0.9)).description
    INCOMPLETE.clear()
    dg.materialize([held_out, complete], partition_key=SECOND, instance=instance, resources=resources)
    assert gate_of(make(instance, SECOND, 0.9)).passed


def test_a_model_made_alone_is_refused_too_where_a_check_failed_in_the_run_before(instance):
    SKILL[FIRST] = 0.9
    INCOMPLETE.add(FIRST)
    week = {"dagster/partition": FIRST}
    execute(instance, "promoted", [held_out.key], week)
    execute(instance, "promoted", [model.key], week)
    (decision,) = registry().decisions()
    assert decision.outcome == "refused"
    assert "data checks failed: delays/held_out:complete" in decision.reason


def test_on_a_sample_it_is_decided_and_recorded_and_nothing_is_promoted_for_good(instance, monkeypatch):
    monkeypatch.setenv("ATOLL_PROFILE", "sample")
    settings.cache_clear()
    refused = make(instance, FIRST, 0.0)
    assert refused.success
    assert gate_of(refused).description.startswith("On a sample, so no alias moves. Refused: ")
    make(instance, SECOND, 0.9)
    assert [find_champion(instance, week) for week in (SECOND, THIRD)] == [None, SECOND]
    assert [decision.outcome for decision in registry("sample").decisions()] == ["sample", "sample"]
    assert list(registry("full").decisions()) == []


def test_on_a_sample_what_is_behind_the_gate_is_tried_also_when_nothing_was_promoted(instance, monkeypatch):
    monkeypatch.setenv("ATOLL_PROFILE", "sample")
    settings.cache_clear()
    assert make_whole(instance, -20.0).success
    assert load("prices/champion").skill == -20.0


def test_without_a_champion_and_without_partitions_there_is_nothing_to_predict_by(instance):
    result = make_whole(instance, 0.5, whole_champion)
    (failure,) = [event for event in result.all_events if event.is_step_failure]
    text = failure.step_failure_data.error.to_string()
    assert "prices.estimator has no champion." in text
    assert "See why: ./atoll models prices --profile full" in text


def test_a_column_that_is_not_there_is_explained(instance):
    wrong, _ = promotion(model, held_out, Contest(Gate("roc_auc"), truth="tardy"))
    SKILL[FIRST] = 0.5
    with pytest.raises(UserError) as caught:
        dg.materialize(
            [held_out, model, wrong],
            partition_key=FIRST,
            instance=instance,
            resources={"io_manager": StoreIOManager()},
        )
    assert caught.value.what == "The held-out rows have no column `tardy`."
    assert caught.value.why == "They have: late, hint, noise, guess, day, origin."


def test_a_model_that_mlflow_would_not_hear_of_has_no_gate():
    @dg.asset(key_prefix="delays", name="model", partitions_def=WEEKS)
    def untracked(held_out):
        return 1

    with pytest.raises(UserError) as caught:
        promotion(untracked, held_out, CONTEST)
    assert (caught.value.what, caught.value.why, caught.value.how) == (
        "delays/model cannot have a gate.",
        "Its versions are registered in MLflow, which hears only of assets of the kind `mlflow`.",
        'Say so where the asset is defined: kinds={"mlflow"}.',
    )


def test_versions_aliases_and_decisions_are_listed(instance):
    make(instance, FIRST, 0.9)
    make(instance, SECOND, 0.2)
    (found,) = list_models(Journal(settings().store), "delays", "full")
    assert (found["name"], found["profile"]) == ("delays", "full")
    assert [(row["version"], row["aliases"]) for row in found["versions"]] == [(1, ["champion"]), (2, ["challenger"])]
    assert [row["figures"]["metric"] for row in found["versions"]] == ["roc_auc"] * 2
    assert [decision["outcome"] for decision in found["decisions"]] == ["promoted", "refused"]
    assert list_models(Journal(settings().store), "prices", "full") == []


def test_a_late_week_whose_model_is_better_is_champion_though_a_later_one_was_refused(instance):
    for week, skill in ((FIRST, 0.4), (THIRD, 0.3), (SECOND, 0.9)):
        make(instance, week, skill)
    assert find_champion(instance, FOURTH) == SECOND


def test_what_was_promoted_while_another_was_judged_is_what_that_one_meets(instance, monkeypatch):
    make(instance, FIRST, 0.4)
    judge, meanwhile = Contest._judge, []

    def judge_late(self, *arguments):
        if not meanwhile:
            meanwhile.append(True)
            make(instance, SECOND, 0.9)
        return judge(self, *arguments)

    monkeypatch.setattr(Contest, "_judge", judge_late)
    make(instance, THIRD, 0.6)
    assert [(decision.partition, decision.before) for decision in registry().decisions()] == [
        (FIRST, None),
        (SECOND, 1),
        (THIRD, registry().champion().number),
    ]
    assert registry().champion().manifest.partition == SECOND


def test_what_was_judged_is_what_is_registered_also_where_its_week_was_trained_again_meanwhile(instance, monkeypatch):
    def load_late(self, state):
        vars(self).update(state)
        if SKILL[FIRST] == 0.9:
            SKILL[FIRST] = 0.1
            again = dg.materialize(
                [held_out, model],
                selection=[model],
                partition_key=FIRST,
                instance=instance,
                resources={"io_manager": StoreIOManager()},
            )
            assert again.success

    with monkeypatch.context() as patch:
        patch.setattr(Sighted, "__setstate__", load_late, raising=False)
        make(instance, FIRST, 0.9)
    (version,) = registry().versions()
    store = Store(settings().store)
    assert read(store, store.read_version(version.artefact)).skill == 0.9
    assert load("delays/model", FIRST).skill == 0.1


def test_two_trainings_at_once_give_each_version_and_decision_its_own_number(store_folder):
    with dg.DagsterInstance.ephemeral() as instance:
        make(instance, FIRST, 0.5)
    (version,) = registry().versions()
    (decision,) = registry().decisions()

    def train(number):
        manifest = replace(version.manifest, data_version=str(number), partition=SECOND)
        made = registry().register(f"folder/{number}", manifest)
        return made, registry().decide(replace(decision, partition=SECOND, challenger=made.number, before=1))

    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(train, range(8)))
    assert sorted(version.number for version, _ in made) == list(range(2, 10))
    assert sorted(decision.number for _, decision in made) == list(range(2, 10))
