import json
import math

import made_up
import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from flight_delays.baseline import count_rates
from flight_delays.bootstrap import RESAMPLES, draw_weights, give_interval, measure_auc, measure_mean
from flight_delays.evaluation import FEWEST, evaluate, tabulate_slices
from flight_delays.predictions import predict_delays
from flight_delays.training import make_trainer


@pytest.fixture(scope="module")
def predictions(training_set, features, weeks):
    model = make_trainer("gradient_boosting", {}).train(training_set)
    return predict_delays(model, features[weeks[10]], training_set, "version 3")


@pytest.fixture(scope="module")
def measured(predictions, outcomes, training_set, weeks):
    return evaluate(predictions, outcomes[weeks[10]], count_rates(training_set), made_up.airlines())


def some_flights(seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    days = rng.integers(0, 7, 300)
    late = rng.random(300) < 0.2 + 0.05 * days
    return np.round(rng.random(300) + 0.3 * late, 1), late, days


def test_the_area_is_that_of_scikit_learn_also_with_ties_and_in_resamples():
    scores, late, days = some_flights()
    weights = draw_weights(7)[:20]
    expected = [roc_auc_score(late, scores, sample_weight=row[days]) for row in weights]
    assert measure_auc(scores, late, days, weights).tolist() == pytest.approx(expected)


def test_a_resample_without_late_flights_has_no_area():
    weights = np.array([[1.0, 1.0], [0.0, 2.0]])
    area = measure_auc(np.array([0.1, 0.9, 0.5]), np.array([False, True, False]), np.array([0, 0, 1]), weights)
    assert area[0] == 1 and math.isnan(area[1])


def test_a_mean_is_over_flights_of_the_days_drawn():
    weights = np.array([[1.0, 1.0], [2.0, 0.0], [0.0, 0.0]])
    found = measure_mean(np.array([1.0, 2.0, 6.0]), np.array([0, 0, 1]), weights)
    np.testing.assert_allclose(found, [3, 1.5, np.nan])


def test_every_unit_is_there_once_and_then_drawn_with_replacement():
    weights = draw_weights(5)
    assert weights.shape == (1 + RESAMPLES, 5)
    assert weights[0].tolist() == [1] * 5 and (weights.sum(axis=1) == 5).all()
    assert len({tuple(row) for row in weights}) > 100


def test_an_interval_of_days_is_wider_than_one_that_took_flights_for_independent():
    rng = np.random.default_rng(0)
    days = np.repeat(np.arange(30), 50)
    values = rng.normal(0, 1, 30)[days] + rng.normal(0, 1, 1_500)
    by_day = give_interval("x", measure_mean(values, days, draw_weights(30)))
    by_flight = give_interval("x", measure_mean(values, np.arange(1_500), draw_weights(1_500)))
    assert by_day["x"] == pytest.approx(values.mean()) and by_flight["x"] == pytest.approx(values.mean())
    assert by_day["x_high"] - by_day["x_low"] > 3 * (by_flight["x_high"] - by_flight["x_low"])


def test_metrics_are_of_flights_that_arrived(measured, predictions, outcomes, weeks):
    table = predictions.merge(outcomes[weeks[10]], on="flight_id")
    arrived = table[table["state"] == "arrived"]
    assert measured["flights"] == len(arrived) < len(table)
    late = arrived["late"].astype(bool)
    assert measured["metrics"]["auc"] == pytest.approx(roc_auc_score(late, arrived["probability"]))
    assert measured["metrics"]["brier"] == pytest.approx(((arrived["probability"] - late) ** 2).mean())
    assert measured["late_share"] == late.mean()


def test_every_value_lies_in_its_interval_and_is_finite(measured):
    for entry in (measured["metrics"], *measured["slices"], *measured["calibration"]):
        for name in (name.removesuffix("_low") for name in entry if name.endswith("_low")):
            assert entry[f"{name}_low"] <= entry[f"{name}_high"] and math.isfinite(entry[name])
    metrics = measured["metrics"]
    assert metrics["auc_low"] < metrics["auc"] < metrics["auc_high"]
    assert metrics["auc_gain"] == pytest.approx(metrics["auc"] - metrics["auc_baseline"])


def test_predictions_that_are_the_baselines_gain_nothing(predictions, outcomes, training_set, weeks):
    from flight_delays.baseline import guess

    rates = count_rates(training_set)
    same = predictions.assign(probability=guess(rates, predictions))
    metrics = evaluate(same, outcomes[weeks[10]], rates, made_up.airlines())["metrics"]
    assert {metrics[name] for name in ("auc_gain", "auc_gain_low", "auc_gain_high", "brier_gain")} == {0}


def test_the_order_of_predictions_does_not_matter(measured, predictions, outcomes, training_set, weeks):
    shuffled = predictions.sample(frac=1, random_state=0)
    again = evaluate(shuffled, outcomes[weeks[10]], count_rates(training_set), made_up.airlines())
    assert again["metrics"] == pytest.approx(measured["metrics"])


def test_slices_are_by_origin_carrier_and_departure_and_hold_enough_flights(measured):
    values = {(entry["slice"], entry["value"]) for entry in measured["slices"]}
    assert {name for name, _ in values} == {"origin", "carrier", "departure"}
    assert ("carrier", "JetBlue Airways") in values and ("carrier", "UA") in values
    by_origin = [entry["flights"] for entry in measured["slices"] if entry["slice"] == "origin"]
    assert sum(by_origin) == measured["flights"]
    assert all(entry["flights"] >= 2 * FEWEST for entry in measured["slices"])


def test_bins_of_the_calibration_are_in_order_and_hold_all_flights(measured):
    bins = measured["calibration"]
    assert sum(entry["flights"] for entry in bins) == measured["flights"]
    predicted = [entry["predicted"] for entry in bins]
    assert len(bins) == 10 and predicted == sorted(predicted)


def test_probabilities_that_are_too_high_show_as_bias(predictions, outcomes, training_set, weeks):
    raised = predictions.assign(probability=predictions["probability"] + 0.2)
    metrics = evaluate(raised, outcomes[weeks[10]], count_rates(training_set), made_up.airlines())["metrics"]
    assert metrics["bias_low"] > 0.05


def test_the_result_is_json(measured):
    assert json.loads(json.dumps(measured)) == measured


def test_the_table_has_a_line_a_slice(measured):
    lines = tabulate_slices(measured["slices"]).splitlines()
    assert len(lines) == 2 + len(measured["slices"])
    assert lines[2].startswith("| origin | EWR | ") and len({line.count("|") for line in lines}) == 1


def test_two_predictions_for_one_flight_are_refused(predictions, outcomes, training_set, weeks):
    doubled = pd.concat([predictions, predictions.tail(1)])
    with pytest.raises(pd.errors.MergeError):
        evaluate(doubled, outcomes[weeks[10]], count_rates(training_set), made_up.airlines())
