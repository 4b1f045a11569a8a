import numpy as np
import pandas as pd
import pytest

from flight_delays.history import HISTORY, PRIOR_FLIGHTS, add_history, add_weekly_history


def flights(week: str, carriers: str, late: list[int]) -> pd.DataFrame:
    rows = {"flight_id": [f"{week} {row}" for row in range(len(late))], "carrier": list(carriers), "late": late}
    shared = {"week": week, "origin": "EWR", "dest": "ORD", "flight": 1, "minute_of_day": 600.0}
    return pd.DataFrame(rows).assign(**shared).astype({"late": bool})


def test_a_rate_is_smoothed_towards_that_of_all_flights():
    past = flights("a", "AAAB", [1, 1, 1, 0])
    found = add_history(flights("b", "ABC", [0, 0, 0]).drop(columns=["late", "week"]), past)["carrier_history"]
    excess = [(3 - 0.75 * 3) / (3 + PRIOR_FLIGHTS), (0 - 0.75) / (1 + PRIOR_FLIGHTS), 0]
    assert found.tolist() == pytest.approx(excess)


def test_without_a_past_history_is_zero(features, examples, weeks):
    found = add_history(features[weeks[0]], examples[weeks[0]].head(0))
    assert found[HISTORY].eq(0).all(axis=None)


def test_each_week_sees_the_weeks_before_it_only(examples, training_set, weeks):
    assert training_set.loc[training_set["week"] == weeks[0], HISTORY].eq(0).all(axis=None)
    for number in (1, 5, 9):
        own = training_set[training_set["week"] == weeks[number]].reset_index(drop=True)
        past = pd.concat([examples[week] for week in weeks[:number]], ignore_index=True)
        expected = add_history(examples[weeks[number]].drop(columns="late"), past)
        pd.testing.assert_frame_equal(own[HISTORY], expected[HISTORY])


def test_the_order_of_rows_does_not_matter(training_set):
    shuffled = training_set.drop(columns=HISTORY).sample(frac=1, random_state=0)
    pd.testing.assert_frame_equal(add_weekly_history(shuffled).sort_index()[HISTORY], training_set[HISTORY])


def test_history_knows_the_slow_carrier(training_set):
    last = training_set[training_set["week"] == training_set["week"].max()]
    mean = last.groupby("carrier")["carrier_history"].mean()
    assert mean["B6"] > max(mean["AA"], mean["UA"])
    assert np.isfinite(last[HISTORY]).all(axis=None)
