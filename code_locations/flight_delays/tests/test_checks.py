from types import SimpleNamespace

import dagster as dg
import made_up
import pandas as pd
import pytest

from flight_delays.defs.evaluation import beats_baseline, metrics_are_finite
from flight_delays.defs.features import features_see_no_future
from flight_delays.defs.predictions import are_probabilities, come_after_training
from flight_delays.defs.training import history_sees_no_future, ten_weeks_are_there
from flight_delays.defs.year import beats_baseline_on_the_year

WEEK = "2013-01-06"


def judge(check: dg.AssetChecksDefinition, *values: object) -> dg.AssetCheckResult:
    result = check(*values)
    assert isinstance(result, dg.AssetCheckResult)
    return result


def test_features_of_another_future_fail(features):
    table = features[WEEK]
    sources = (made_up.flights(WEEK), made_up.weather(WEEK), made_up.planes(), made_up.airports())
    assert judge(features_see_no_future, table, *sources).passed
    result = judge(features_see_no_future, table.assign(temp=table["temp"] + 1), *sources)
    assert not result.passed and result.severity == dg.AssetCheckSeverity.ERROR
    assert (result.description or "").startswith("The future changes `temp` of ")


def test_history_of_another_future_fails(training_set):
    assert judge(history_sees_no_future, training_set).passed
    result = judge(history_sees_no_future, training_set.assign(route_history=training_set["late"].astype(float)))
    assert not result.passed and "`route_history`" in (result.description or "")


@pytest.mark.parametrize(("weeks", "passed"), [(10, True), (9, False)])
def test_a_window_with_a_hole_warns(weeks, passed):
    result = judge(ten_weeks_are_there, pd.DataFrame({"week": [str(number) for number in range(weeks)] * 2}))
    assert result.passed is passed
    assert result.severity == dg.AssetCheckSeverity.WARN


@pytest.mark.parametrize(
    ("probabilities", "flights", "passed"),
    [
        ([0.0, 1.0], "ab", True),
        ([0.5, 1.1], "ab", False),
        ([float("nan"), 0.5], "ab", False),
        ([-0.1, 0.5], "ab", False),
        ([0.5, 0.5], "ac", False),
        ([0.5, 0.5], "aa", False),
    ],
)
def test_what_is_no_probability_or_of_another_flight_fails(probabilities, flights, passed):
    predictions = pd.DataFrame({"flight_id": list(flights), "probability": probabilities})
    assert judge(are_probabilities, predictions, pd.DataFrame({"flight_id": ["a", "b"]})).passed is passed


EARLY, LATE = "2013-03-10T03:59Z", "2013-03-10T10:00Z"


@pytest.mark.parametrize(
    ("history", "champion", "passed"),
    [(EARLY, EARLY, True), (EARLY, LATE, False), (LATE, EARLY, False), (EARLY, None, True), (LATE, None, False)],
)
def test_weeks_that_overlap_fail(history, champion, passed):
    predictions = pd.DataFrame({"sched_dep_time": pd.to_datetime(["2013-03-10T10:00Z", "2013-03-12T10:00Z"])})
    training = pd.DataFrame({"sched_dep_time": pd.to_datetime(["2013-01-01T10:00Z", history], format="ISO8601")})
    model = None if champion is None else SimpleNamespace(learnt_until=pd.Timestamp(champion))
    assert judge(come_after_training, predictions, model, training).passed is passed


@pytest.mark.parametrize(("value", "passed"), [(1.0, True), (float("nan"), False), (float("inf"), False)])
def test_a_number_that_is_not_finite_fails(value, passed):
    entry = {"metrics": {"auc": 1.0}, "slices": [{"value": "EWR", "auc": 0.5}], "calibration": [{"observed": value}]}
    assert judge(metrics_are_finite, entry).passed is passed


def test_no_numbers_at_all_fail():
    assert not judge(metrics_are_finite, {"metrics": {}, "slices": [], "calibration": []}).passed


@pytest.mark.parametrize(
    ("gain", "made_by", "passed"),
    [(0.01, "version 1", True), (0.0, "version 1", False), (-0.1, "version 1", False), (0.0, "baseline", True)],
)
def test_a_week_that_the_baseline_wins_warns(gain, made_by, passed):
    metrics = {"auc": 0.6, "auc_baseline": 0.6, "auc_gain": gain, "auc_gain_low": -0.2, "auc_gain_high": 0.2}
    result = judge(beats_baseline, {"made_by": made_by, "metrics": metrics})
    assert result.passed is passed
    assert result.severity == dg.AssetCheckSeverity.WARN


@pytest.mark.parametrize(
    ("weeks", "auc_low", "brier_low", "passed", "severity"),
    [
        (43, 0.01, 0.001, True, dg.AssetCheckSeverity.ERROR),
        (43, 0.0, 0.001, False, dg.AssetCheckSeverity.ERROR),
        (43, 0.01, -0.001, False, dg.AssetCheckSeverity.ERROR),
        (26, -0.01, 0.001, False, dg.AssetCheckSeverity.ERROR),
        (25, -0.01, 0.001, False, dg.AssetCheckSeverity.WARN),
    ],
)
def test_an_interval_with_zero_fails_the_year_once_there_is_half_a_year(weeks, auc_low, brier_low, passed, severity):
    gains = {"auc_gain": 0.02, "auc_gain_high": 0.05, "brier_gain": 0.002, "brier_gain_high": 0.005}
    metrics = {**gains, "auc_gain_low": auc_low, "brier_gain_low": brier_low}
    result = judge(beats_baseline_on_the_year, {"weeks": [{}] * weeks, "metrics": metrics})
    assert result.passed is passed
    assert result.severity == severity
