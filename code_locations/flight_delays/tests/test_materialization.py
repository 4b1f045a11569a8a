"""Some weeks, from what aviation_data lends to the year, as the platform runs them."""

from collections.abc import Generator
from typing import NamedTuple

import dagster as dg
import made_up
import mlflow.pyfunc
import numpy as np
import pandas as pd
import pytest
from materializing import MODELS, WEEKLY, load, make, metadata, receive
from mlflow.exceptions import MlflowException

from atoll.promotion.champion import read_decisions
from atoll.testing import (
    list_failed_checks,
    list_records,
    list_versions,
    load_pyfunc,
    store_at,
    train_in_two_processes,
)
from flight_delays import features, history
from flight_delays.baseline import guess
from flight_delays.defs.evaluation import HEADLINES
from flight_delays.defs.training import model
from flight_delays.features import NUMBERS
from flight_delays.training import INPUTS, TRAINERS

LAST = 12

FIRST = "2013-03-10"


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


@pytest.fixture(scope="module")
def pyfunc(platform, tmp_path_factory) -> mlflow.pyfunc.PyFuncModel:
    """The model of a week as MLflow reads what was stored."""
    return load_pyfunc(platform.models[FIRST], "flight_delays/model", tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="module")
def week(platform) -> pd.DataFrame:
    return history.add_history(load("features", FIRST), load("training_set", FIRST))


def list_inputs(*names: str) -> dict[str, dict[str, str]]:
    return list_versions(*(f"flight_delays/{name}" for name in names), partition=FIRST)


def test_every_week_is_made_and_every_blocking_check_passes(platform):
    results = [*platform.weekly.values(), *platform.models.values(), platform.year]
    assert [result.success for result in results] == [True] * (LAST + 3)
    warnings = {
        ("evaluation", "beats_baseline"),
        ("year", "beats_baseline_on_the_year"),
        ("model", "gate"),
        ("drift", "drift"),
        ("evaluation", "decay"),
    }
    assert set().union(*map(list_failed_checks, results)) <= warnings
    assert len(platform.weekly[FIRST].get_asset_check_evaluations()) == 3
    assert len(platform.models[FIRST].get_asset_check_evaluations()) == 9


def test_a_week_learns_from_the_ten_weeks_before_it(platform, weeks):
    for number in (10, 11):
        table = load("training_set", weeks[number])
        assert sorted(table["week"].unique()) == weeks[number - 10 : number]
        assert metadata(platform.models[weeks[number]], "training_set")["weeks"] == 10


def test_until_a_model_was_promoted_the_baseline_predicts(platform):
    week = FIRST
    assert load("champion", week) is None
    predictions, features = load("predictions", week), load("features", week)
    assert predictions["probability"].tolist() == guess(load("baseline", week), features).tolist()
    assert set(predictions["made_by"]) == {metadata(platform.models[week], "predictions")["made by"]} == {"baseline"}
    assert load("evaluation", week)["made_by"] == "baseline"


def test_a_week_is_predicted_by_the_model_that_the_week_before_had_promoted_and_not_by_its_own(platform):
    first, second = read_decisions(model)[:2]
    assert (first.partition, first.challenger, first.champion) == (FIRST, 1, 1)
    assert (second.partition, second.before) == ("2013-03-17", 1)
    predictions, flights = load("predictions", "2013-03-17"), load("held_out", "2013-03-17").set_index("flight_id")
    assert set(predictions["made_by"]) == {"version 1"}
    assert load("champion", "2013-03-17").learnt_until == load("model", FIRST).learnt_until
    arrived = predictions.set_index("flight_id").loc[flights.index, "probability"]
    np.testing.assert_allclose(arrived, load("model", FIRST).predict(flights), rtol=1e-12)


def test_the_evaluation_shows_metrics_with_the_baseline_and_two_plots(platform):
    shown = metadata(platform.models[FIRST], "evaluation")
    assert shown["metric/auc_low"] < shown["metric/auc"] < shown["metric/auc_high"]
    assert shown["metric/auc_gain"] == pytest.approx(shown["metric/auc"] - shown["metric/auc_baseline"])
    assert shown["metric/brier_gain"] == pytest.approx(shown["metric/brier_baseline"] - shown["metric/brier"])
    for name in ("calibration", "AUC by slice"):
        assert "data:image/png;base64," in shown[name]
    assert len({entry["slice"] for entry in load("evaluation", FIRST)["slices"]}) == 3
    counted = [shown[f"flights: {state}"] for state in ("arrived", "cancelled", "no arrival")]
    assert sum(counted) == len(made_up.flights(FIRST)) and counted[0] == shown["flights"]


def test_the_year_holds_the_weeks_that_there_are(platform):
    shown, summary = metadata(platform.year, "year"), load("year")
    assert [week["week"] for week in summary["weeks"]] == [FIRST, "2013-03-17"]
    assert shown["weeks"] == 2 and "data:image/png;base64," in shown["week by week"]
    decided = [week["decision"]["outcome"] == "promoted" for week in summary["weeks"]]
    assert decided[0] and shown["models promoted"] == sum(decided)
    assert [week["made_by"] for week in summary["weeks"]] == ["baseline", "version 1"]
    assert len(shown["decisions"].splitlines()) == 2 + len(summary["weeks"])
    both = [load("evaluation", week)["metrics"]["auc_gain"] for week in (FIRST, "2013-03-17")]
    assert shown["metric/auc_gain"] == pytest.approx(sum(both) / 2)


def test_the_same_week_gives_the_same_file_in_any_process(platform, tmp_path):
    trainers = [{"trainer": name} for name in TRAINERS]
    one, other = train_in_two_processes("flight_delays/model", trainers, tmp_path, FIRST)
    assert one == other and len(set(one)) == len(TRAINERS)
    assert one[0] == list_records(platform.models[FIRST])["model"].manifest.checksum


def test_mlflow_predicts_what_the_model_does(platform, pyfunc, week):
    expected = load("model", FIRST).predict(week)
    np.testing.assert_array_equal(pyfunc.predict(week), expected)
    assert set(week[NUMBERS].columns[week[NUMBERS].isna().any()]) >= {"plane_age", "dest_lat"}


def test_mlflow_asks_for_the_columns_of_the_model_alone_and_for_each(pyfunc, week):
    assert pyfunc.metadata.get_input_schema().input_names() == INPUTS
    assert list(pyfunc.input_example) == INPUTS
    for name in INPUTS:
        with pytest.raises((MlflowException, KeyError), match=name):
            pyfunc.predict(week.drop(columns=name))


def test_model_evaluation_and_year_are_tracked(platform):
    found = list_records(platform.models[FIRST])
    assert set(found) == {"model", "evaluation"}
    model, evaluation = found["model"], found["evaluation"]
    assert model.partition == evaluation.partition == FIRST
    assert model.parameters["trainer"] == "gradient_boosting" and model.parameters["max_leaf_nodes"] == 8
    assert model.manifest.inputs == list_inputs("training_set")
    shown = metadata(platform.models[FIRST], "evaluation")
    assert evaluation.metrics == {name: shown[f"metric/{name}"] for name in HEADLINES}
    assert set(evaluation.plots) == {"calibration", "AUC by slice"}
    read = list_inputs("predictions", "outcomes", "baseline") | list_versions("aviation_data/airlines")
    assert evaluation.manifest.inputs == read
    (year,) = list_records(platform.year).values()
    assert set(year.metrics) == set(HEADLINES) and set(year.plots) == {"week by week"}
    assert year.manifest.inputs.keys() == {"flight_delays/evaluation"}
    assert year.manifest.inputs["flight_delays/evaluation"].keys() == {FIRST, "2013-03-17"}


def test_a_week_that_has_not_arrived_is_left_out_and_told(platform, weeks):
    result = make(["training_set"], weeks[14], platform.instance)
    assert result.success
    assert list_failed_checks(result) == {("training_set", "ten_weeks_are_there")}
    assert metadata(result, "training_set")["weeks"] == 8


def test_a_week_without_any_before_it_says_what_to_do(platform):
    result = make(["training_set"], "2013-12-29", platform.instance)
    assert not result.success
    error = result.failure_data_for_node("flight_delays__training_set").error
    assert "There is nothing to learn from." in error.to_string()


def test_another_trainer_is_swapped_in_by_configuration_alone(platform):
    config = {"trainer": "logistic_regression", "parameters": {"C": 0.01}}
    flights = load("held_out", "2013-03-17")
    before = load("model", "2013-03-17").predict(flights)
    result = make(["model"], "2013-03-17", platform.instance, config)
    assert result.success
    parameters = list_records(result)["model"].parameters
    assert (parameters["trainer"], parameters["parameters.C"], parameters["C"]) == ("logistic_regression", 0.01, 0.01)
    assert (load("model", "2013-03-17").predict(flights) != before).all()


def test_a_feature_that_sees_the_future_stops_its_week(platform, monkeypatch):
    honest = features.build_features

    def leak(flights, weather, planes, airports):
        table = honest(flights, weather, planes, airports)
        return table.assign(plane_seats=1 + flights["dep_delay"].clip(0, 900).fillna(0).to_numpy())

    monkeypatch.setattr(features, "build_features", leak)
    result = make(WEEKLY, "2013-03-17", platform.instance)
    assert not result.success
    assert list_failed_checks(result) == {("features", "see_no_future")}
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
    assert list_failed_checks(result) == {("training_set", "see_no_future")}
    assert not result.asset_materializations_for_node("flight_delays__model")
