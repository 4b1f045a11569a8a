"""Some weeks, from what aviation_data lends to the year, as the platform runs them."""

import hashlib
from collections.abc import Generator
from typing import NamedTuple

import dagster as dg
import made_up
import pytest
from materializing import MODELS, WEEKLY, failed, load, make, metadata, receive, store_at

from flight_delays import features, history

LAST = 12


class Platform(NamedTuple):
    instance: dg.DagsterInstance
    weekly: dict[str, dg.ExecuteInProcessResult]
    models: dict[str, dg.ExecuteInProcessResult]
    year: dg.ExecuteInProcessResult


@pytest.fixture(scope="module")
def platform(tmp_path_factory, weeks) -> Generator[Platform]:
    with store_at(tmp_path_factory.mktemp("store")), dg.DagsterInstance.ephemeral() as instance:
        receive(None, instance)
        weekly = {}
        for week in weeks[:LAST]:
            receive(week, instance)
            weekly[week] = make(WEEKLY, week, instance)
        models = {week: make(MODELS, week, instance) for week in weeks[10:LAST]}
        yield Platform(instance, weekly, models, make(["year"], None, instance))


def test_every_week_is_made_and_every_blocking_check_passes(platform):
    results = [*platform.weekly.values(), *platform.models.values(), platform.year]
    assert [result.success for result in results] == [True] * (LAST + 3)
    warnings = {("evaluation", "beats_baseline"), ("year", "beats_baseline_on_the_year")}
    assert set().union(*map(failed, results)) <= warnings
    assert len(platform.weekly["2013-03-10"].get_asset_check_evaluations()) == 4
    assert len(platform.models["2013-03-10"].get_asset_check_evaluations()) == 6


def test_a_week_learns_from_the_ten_weeks_before_it(platform, weeks):
    for number in (10, 11):
        table = load("training_set", weeks[number])
        assert sorted(table["week"].unique()) == weeks[number - 10 : number]
        assert metadata(platform.models[weeks[number]], "training_set")["weeks"] == 10


def test_the_evaluation_shows_metrics_with_the_baseline_and_two_plots(platform):
    shown = metadata(platform.models["2013-03-10"], "evaluation")
    assert shown["metric/auc_low"] < shown["metric/auc"] < shown["metric/auc_high"]
    assert shown["metric/auc_gain"] == pytest.approx(shown["metric/auc"] - shown["metric/auc_baseline"])
    assert shown["metric/brier_gain"] == pytest.approx(shown["metric/brier_baseline"] - shown["metric/brier"])
    for name in ("calibration", "AUC by slice"):
        assert "data:image/png;base64," in shown[name]
    assert len({entry["slice"] for entry in load("evaluation", "2013-03-10")["slices"]}) == 3
    counted = [shown[f"flights: {state}"] for state in ("arrived", "cancelled", "no arrival")]
    assert sum(counted) == len(made_up.flights("2013-03-10")) and counted[0] == shown["flights"]


def test_the_year_holds_the_weeks_that_there_are(platform):
    shown, summary = metadata(platform.year, "year"), load("year")
    assert [week["week"] for week in summary["weeks"]] == ["2013-03-10", "2013-03-17"]
    assert shown["weeks"] == 2 and "data:image/png;base64," in shown["week by week"]
    both = [load("evaluation", week)["metrics"]["auc_gain"] for week in ("2013-03-10", "2013-03-17")]
    assert shown["metric/auc_gain"] == pytest.approx(sum(both) / 2)


def test_the_same_week_gives_the_same_model_bit_for_bit(platform):
    before = metadata(platform.models["2013-03-17"], "model")["sha256"]
    again = make(["training_set", "model"], "2013-03-17", platform.instance)
    assert metadata(again, "model")["sha256"] == before
    assert hashlib.sha256(load("model", "2013-03-17").read_bytes()).hexdigest() == before


def test_a_week_that_has_not_arrived_is_left_out_and_told(platform, weeks):
    result = make(["training_set"], weeks[14], platform.instance)
    assert result.success
    assert failed(result) == {("training_set", "ten_weeks_are_there")}
    assert metadata(result, "training_set")["weeks"] == 8


def test_a_week_without_any_before_it_says_what_to_do(platform):
    result = make(["training_set"], "2013-12-29", platform.instance)
    assert not result.success
    error = result.failure_data_for_node("flight_delays__training_set").error
    assert "There is nothing to learn from." in error.to_string()


def test_another_trainer_is_swapped_in_by_configuration_alone(platform):
    config = {"trainer": "logistic_regression", "parameters": {"C": 0.01}}
    before = load("predictions", "2013-03-17")["probability"]
    result = make(["model", "predictions"], "2013-03-17", platform.instance, config)
    assert result.success and metadata(result, "model")["trainer"] == "logistic_regression"
    assert load("predictions", "2013-03-17")["probability"].ne(before).all()


def test_a_feature_that_sees_the_future_stops_its_week(platform, monkeypatch):
    honest = features.build_features

    def leak(flights, weather, planes, airports):
        table = honest(flights, weather, planes, airports)
        return table.assign(plane_seats=1 + flights["dep_delay"].clip(0, 900).fillna(0).to_numpy())

    monkeypatch.setattr(features, "build_features", leak)
    result = make(WEEKLY, "2013-03-17", platform.instance)
    assert not result.success
    assert failed(result) == {("features", "see_no_future")}
    assert not result.asset_materializations_for_node("flight_delays__examples")
    (check,) = [check for check in result.get_asset_check_evaluations() if not check.passed]
    assert check.description.startswith("The future changes `plane_seats` of ") and check.blocking


def test_history_that_sees_the_own_week_stops_the_model(platform, monkeypatch):
    honest = history.add_weekly_history

    def leak(examples):
        rate = examples.groupby(["week", "carrier"])["late"].transform("mean")
        return honest(examples).assign(carrier_history=rate)

    monkeypatch.setattr(history, "add_weekly_history", leak)
    result = make(MODELS, "2013-03-17", platform.instance)
    assert not result.success
    assert failed(result) == {("training_set", "see_no_future")}
    assert not result.asset_materializations_for_node("flight_delays__model")
