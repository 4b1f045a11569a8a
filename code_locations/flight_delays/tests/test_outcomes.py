import made_up
import pandas as pd
import pytest

from atoll import UserError
from flight_delays.outcomes import count_states, join_outcomes, label_flights


def label(arr_delay: float, cancelled: bool = False) -> pd.Series:
    flight = pd.DataFrame({"flight_id": ["a"], "arr_delay": [arr_delay], "cancelled": [cancelled]})
    return label_flights(flight).iloc[0]


@pytest.mark.parametrize(("minutes", "late"), [(-20, False), (0, False), (15, False), (16, True), (600, True)])
def test_more_than_15_minutes_is_late(minutes, late):
    assert bool(label(minutes)["late"]) is late
    assert label(minutes)["state"] == "arrived"


@pytest.mark.parametrize(("cancelled", "state"), [(True, "cancelled"), (False, "no arrival")])
def test_a_flight_without_arrival_is_neither_late_nor_in_time(cancelled, state):
    found = label(float("nan"), cancelled)
    assert found["state"] == state
    assert found["late"] is pd.NA


def test_flights_without_arrival_are_counted_and_not_learnt_from(weeks, features, outcomes):
    flights, table = made_up.flights(weeks[0]), outcomes[weeks[0]]
    states = count_states(table["state"])
    assert states["cancelled"] == flights["cancelled"].sum() > 0
    assert states["no_arrival"] == 1
    assert sum(states.values()) == len(flights)
    examples = join_outcomes(features[weeks[0]], table)
    assert len(examples) == states["arrived"]
    assert examples["late"].dtype == bool


def test_the_order_of_the_outcomes_does_not_matter(weeks, features, outcomes):
    week = weeks[0]
    shuffled = outcomes[week].sample(frac=1, random_state=0)
    pd.testing.assert_frame_equal(
        join_outcomes(features[week], shuffled), join_outcomes(features[week], outcomes[week])
    )


def test_an_arrival_that_is_missing_or_there_twice_is_no_example(weeks, features, outcomes):
    known, ended = features[weeks[0]], outcomes[weeks[0]]
    arrived = ended["state"] == "arrived"
    with pytest.raises(UserError) as caught:
        join_outcomes(known.drop(known.index[arrived][:2]), ended)
    assert caught.value.what == f"Of {arrived.sum():,} flights that have arrived, 2 are missing."
    with pytest.raises(pd.errors.MergeError):
        join_outcomes(pd.concat([known, known[arrived].tail(1)]), ended)
