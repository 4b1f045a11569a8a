import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from atoll import UserError
from flight_delays.baseline import count_rates, guess
from flight_delays.features import CATEGORIES, NUMBERS
from flight_delays.history import HISTORY, add_history, add_weekly_history
from flight_delays.predictions import COLUMNS, guess_delays, predict_delays
from flight_delays.training import INPUTS, TRAINERS, make_trainer
from flight_delays.window import join_weeks


@pytest.fixture(scope="module", params=sorted(TRAINERS))
def trained(request, training_set):
    return make_trainer(request.param, {}).train(training_set)


@pytest.fixture(scope="module")
def next_week(features, training_set, weeks):
    return add_history(features[weeks[10]], training_set)


def test_inputs_hold_no_outcome():
    assert not {"late", "state", "week", "flight_id"} & set(INPUTS)
    assert len(INPUTS) == len(set(INPUTS))


def test_probabilities_rank_unseen_flights_better_than_the_baseline(trained, training_set, examples, weeks):
    week = examples[weeks[10]]
    predictions = predict_delays(trained, week.drop(columns="late"), training_set, "version 1")
    baseline = guess(count_rates(training_set), week)
    assert roc_auc_score(week["late"], predictions["probability"]) > roc_auc_score(week["late"], baseline) + 0.05


def test_every_flight_has_a_probability(trained, training_set, features, weeks):
    predictions = predict_delays(trained, features[weeks[10]], training_set, "version 3")
    assert list(predictions) == [*COLUMNS, "probability", "made_by"]
    assert set(predictions["made_by"]) == {"version 3"}
    assert predictions["flight_id"].tolist() == features[weeks[10]]["flight_id"].tolist()
    assert predictions["probability"].between(0, 1).all()


def test_unknown_categories_and_missing_numbers_have_a_probability(trained, next_week):
    strange = next_week.head(4).assign(**dict.fromkeys(CATEGORIES, "ZZ"), **dict.fromkeys([*NUMBERS, *HISTORY], np.nan))
    assert ((trained.predict(strange) > 0) & (trained.predict(strange) < 1)).all()


def test_where_there_is_no_model_the_baseline_guesses(training_set, features, weeks):
    rates = count_rates(training_set)
    guesses = guess_delays(rates, features[weeks[10]])
    assert list(guesses) == [*COLUMNS, "probability", "made_by"]
    assert guesses["probability"].tolist() == guess(rates, features[weeks[10]]).tolist()
    assert set(guesses["made_by"]) == {"baseline"}


def test_a_model_knows_until_when_it_has_learnt(trained, training_set):
    assert trained.learnt_until == training_set["sched_dep_time"].max()


@pytest.mark.parametrize("name", sorted(TRAINERS))
def test_a_single_week_without_any_history_can_be_learnt_from(name, examples, weeks):
    week = add_weekly_history(join_weeks({weeks[0]: examples[weeks[0]]}))
    assert np.isfinite(make_trainer(name, {}).train(week).predict(week)).all()


def test_an_unknown_trainer_is_named():
    with pytest.raises(UserError) as raised:
        make_trainer("oracle", {})
    assert str(raised.value).splitlines() == [
        "There is no trainer `oracle`.",
        "The trainers of this project are: gradient_boosting, logistic_regression.",
        "Name one of these as `trainer` in the configuration of the asset `model`.",
    ]


def test_an_unknown_parameter_is_named():
    with pytest.raises(UserError) as raised:
        make_trainer("logistic_regression", {"depth": 3})
    what, why, how = str(raised.value).splitlines()
    assert what == "The trainer does not know the parameter depth."
    assert why == "It sets parameters of LogisticRegression."
    assert how.startswith("Use one of: C, ")


def test_parameters_reach_the_estimator(training_set, next_week):
    weak, strong = (make_trainer("logistic_regression", {"C": c}).train(training_set) for c in (1e-6, 1.0))
    assert np.std(weak.predict(next_week)) < np.std(strong.predict(next_week)) / 10


def test_the_model_depends_on_features_and_late_alone(training_set):
    renamed = training_set.assign(week="x", flight_id="y", dest="z")
    models = [make_trainer("gradient_boosting", {}).train(table) for table in (training_set, renamed)]
    np.testing.assert_array_equal(*(model.predict(training_set) for model in models))
