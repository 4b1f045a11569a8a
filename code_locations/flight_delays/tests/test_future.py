import made_up
import numpy as np
import pandas as pd
import pytest

from flight_delays.features import SCHEDULE
from flight_delays.future import count_changes, describe_leaks, find_history_leaks, find_leaks, scramble
from flight_delays.history import add_weekly_history

WEEK = "2013-01-06"


def of_the_same_week(features, flights, weather):
    """The carrier's late rate of the same week."""
    return (flights["arr_delay"] > 15).groupby(flights["carrier"]).transform("mean")


def at_departure(features, flights, weather):
    return flights["dep_delay"]


def of_cancellation(features, flights, weather):
    return flights["dep_time"].isna().astype(float)


def of_the_next_flight(features, flights, weather):
    """Whether the plane flies again this week."""
    return flights.groupby("tailnum")["sched_dep_time"].shift(-1).isna().astype(float)


def of_the_next_hour(features, flights, weather):
    later = weather.assign(time_hour=weather["time_hour"] - pd.Timedelta(hours=1))
    return flights[["origin", "time_hour"]].merge(later, on=["origin", "time_hour"], how="left")["precip"]


def of_the_whole_week(features, flights, weather):
    return features["distance"] - features["distance"].mean()


def leaking(build, leak):
    def build_leaking(flights, weather):
        flights = flights.reset_index(drop=True)
        features = build(flights, weather)
        hour = features["sched_dep_time"].dt.floor("h")
        return features.assign(leak=leak(features, flights.assign(time_hour=hour), weather).to_numpy())

    return build_leaking


def test_the_features_see_no_future(build):
    flights, weather = made_up.flights(WEEK), made_up.weather(WEEK)
    assert find_leaks(build(flights, weather), flights, weather, build) == {}


@pytest.mark.parametrize(
    "leak",
    [of_the_same_week, at_departure, of_cancellation, of_the_next_flight, of_the_next_hour, of_the_whole_week],
)
def test_a_feature_that_sees_the_future_is_named(build, leak):
    flights, weather, build = made_up.flights(WEEK), made_up.weather(WEEK), leaking(build, leak)
    leaks = find_leaks(build(flights, weather), flights, weather, build)
    assert list(leaks) == ["leak"]
    assert 0 < leaks["leak"] <= len(flights)


def test_a_column_that_nobody_declared_is_taken_for_an_outcome(build):
    flights, weather = made_up.flights(WEEK).assign(taxi_out=1.0), made_up.weather(WEEK)
    build = leaking(build, lambda features, flights, weather: flights["taxi_out"])
    assert find_leaks(build(flights, weather), flights, weather, build) == {"leak": len(flights)}


def test_history_sees_no_future(training_set):
    assert find_history_leaks(training_set, add_weekly_history) == {}


def test_history_of_the_own_week_is_caught(training_set):
    def add_own_week(examples):
        rate = examples.groupby(["week", "carrier"])["late"].transform("mean")
        return add_weekly_history(examples).assign(carrier_history=rate)

    assert list(find_history_leaks(add_own_week(training_set), add_own_week)) == ["carrier_history"]


def test_history_of_later_weeks_is_caught(training_set):
    def add_all_weeks(examples):
        rate = examples.groupby(["origin", "dest"])["late"].transform("mean")
        return add_weekly_history(examples).assign(route_history=rate)

    assert list(find_history_leaks(add_all_weeks(training_set), add_all_weeks)) == ["route_history"]


def test_what_is_stored_is_compared_and_not_only_what_the_code_would_make(build, training_set):
    flights, weather = made_up.flights(WEEK), made_up.weather(WEEK)
    stored = build(flights, weather)
    stored.loc[3, "distance"] += 1
    assert find_leaks(stored, flights, weather, build) == {"distance": 1}
    changed = training_set.assign(flight_history=0.5)
    assert list(find_history_leaks(changed, add_weekly_history)) == ["flight_history"]


@pytest.mark.parametrize("column", [name for name in made_up.flights(WEEK) if name not in SCHEDULE])
def test_an_outcome_is_replaced_by_others_of_its_type(column):
    before = made_up.flights(WEEK)[column]
    after = scramble(before, np.random.default_rng(0))
    assert after.dtype == before.dtype and after.notna().all()
    assert (after != before).mean() > 0.4


def test_changes_are_counted_by_flight_and_missing_values_are_equal():
    before = pd.DataFrame({"flight_id": ["a", "b", "c"], "x": [1.0, np.nan, 3.0], "y": ["u", "v", None]})
    after = pd.DataFrame({"flight_id": ["c", "b"], "x": [4.0, np.nan], "y": [None, "v"], "z": [1, 2]})
    assert count_changes(before, after) == {"x": 1, "z": 2}


def test_leaks_are_told_in_words():
    assert describe_leaks({"leak": 1_234}) == "The future changes `leak` of 1,234 flights."
    assert describe_leaks({}) == "No feature changes with the future."
