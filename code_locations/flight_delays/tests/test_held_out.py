import pytest

from flight_delays.baseline import count_rates, guess
from flight_delays.held_out import hold_out
from flight_delays.history import HISTORY
from flight_delays.predictions import predict_delays
from flight_delays.training import make_trainer


@pytest.fixture(scope="module")
def held_out(features, outcomes, training_set, weeks):
    return hold_out(features[weeks[10]], outcomes[weeks[10]], training_set, count_rates(training_set))


def test_every_flight_that_has_arrived_is_there_with_how_it_ended(held_out, outcomes, weeks):
    arrived = outcomes[weeks[10]].dropna().set_index("flight_id")["late"].astype(bool)
    assert held_out.set_index("flight_id")["late"].sort_index().equals(arrived.sort_index())


def test_the_baseline_has_guessed_each_flight(held_out, training_set):
    assert held_out["guess"].tolist() == guess(count_rates(training_set), held_out).tolist()


def test_days_are_those_of_new_york(held_out, weeks):
    local = held_out["sched_dep_time"].dt.tz_convert("America/New_York")
    assert held_out["day"].tolist() == [str(moment.date()) for moment in local]
    assert held_out["day"].nunique() == 7 and held_out["day"].min() == weeks[10]


def test_a_model_says_of_them_what_it_predicts_for_the_week(held_out, features, training_set, weeks):
    model = make_trainer("logistic_regression", {}).train(training_set)
    predicted = predict_delays(model, features[weeks[10]], training_set, "version 1").set_index("flight_id")
    expected = predicted.loc[held_out["flight_id"], "probability"]
    assert model.predict(held_out).tolist() == pytest.approx(expected.tolist(), rel=1e-12)


def test_the_history_sees_no_outcome_of_the_week(held_out, features, outcomes, training_set, weeks):
    other = outcomes[weeks[10]].assign(late=~outcomes[weeks[10]]["late"])
    again = hold_out(features[weeks[10]], other, training_set, count_rates(training_set))
    assert again[[*HISTORY, "guess"]].equals(held_out[[*HISTORY, "guess"]])
    assert again["late"].ne(held_out["late"]).all()
