import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom

from atoll import UserError
from atoll.monitoring.stability import measure_movements

NUMBERS = ["wind", "rain", "snow"]


def make_days(rng, days, shift=0.0):
    """Days of forty flights each; what is measured varies more from day to day than within one."""
    day = np.repeat(np.arange(days), 40)
    table = {name: rng.normal(0, 1, days)[day] + rng.normal(0, 0.5, len(day)) for name in NUMBERS}
    table["wind"] += shift
    table["carrier"] = rng.choice(["AA", "B6", "UA"], len(day))
    return pd.DataFrame(table).assign(day=[f"day {number}" for number in day])


def find_drifted(reference, current, limit=0.0, units="day"):
    found = measure_movements(reference, current, [*NUMBERS, "carrier"], limit, units)
    return [row["column"] for row in found if row["drifted"]]


def test_the_index_is_that_of_the_formula():
    reference = pd.DataFrame({"kind": ["a"] * 60 + ["b"] * 40})
    current = pd.DataFrame({"kind": ["a"] * 30 + ["b"] * 70})
    (found,) = measure_movements(reference, current, ["kind"], 0.1)
    # Four bins: both kinds, what is neither, what is missing; each starts at half a row.
    before, after = ((np.array(rows) + 0.5) / 102 for rows in ((60, 40, 0, 0), (30, 70, 0, 0)))
    assert found["psi"] == pytest.approx(((before - after) * np.log(before / after)).sum())
    assert found["drifted"]


def test_by_chance_alone_something_has_drifted_as_rarely_as_stated():
    rng = np.random.default_rng(0)
    ties = 150
    found = sum(bool(find_drifted(make_days(rng, 70), make_days(rng, 7))) for _ in range(ties))
    assert found <= binom.ppf(0.999, ties, 0.05)


def test_without_days_chance_is_taken_for_drift():
    """What units are for: the same tables, row by row."""
    rng = np.random.default_rng(0)
    assert find_drifted(make_days(rng, 70), make_days(rng, 7), units=None)


def test_a_column_that_has_moved_is_found_and_the_others_are_not():
    rng = np.random.default_rng(0)
    assert find_drifted(make_days(rng, 70), make_days(rng, 7, shift=3)) == ["wind"]


def test_what_has_moved_by_less_than_the_limit_has_not_drifted():
    rng = np.random.default_rng(0)
    assert find_drifted(make_days(rng, 70), make_days(rng, 7, shift=3), limit=20) == []


def test_missing_values_and_new_categories_are_movement():
    before = pd.DataFrame({"kind": ["a", "b"] * 500, "price": np.arange(1_000.0)})
    after = pd.DataFrame({"kind": ["a", "new"] * 500, "price": [np.nan, *np.arange(999.0)]})
    half = after.assign(price=after["price"].where(np.arange(1_000) % 2 == 0))
    assert [row["drifted"] for row in measure_movements(before, after, ["price"], 0.1)] == [False]
    assert [row["drifted"] for row in measure_movements(before, half, ["price", "kind"], 0.1)] == [True, True]


def test_a_column_of_one_value_or_of_none_is_measured():
    before = pd.DataFrame({"same": [1.0] * 20, "none": [np.nan] * 20})
    found = measure_movements(before, before.assign(none=1.0), ["same", "none"], 0.1)
    assert {row["column"]: row["drifted"] for row in found} == {"same": False, "none": True}


@pytest.mark.parametrize(
    ("reference", "current", "why"),
    [
        ({"b": [1]}, {"a": [1]}, "The reference has no such column; it has: b."),
        ({"a": [1] * 9}, {"a": []}, "The current table has no rows."),
        ({"a": [1, 2]}, {"a": [1]}, "The reference has 2 rows, and it takes 4."),
    ],
)
def test_what_cannot_be_measured_is_said(reference, current, why):
    with pytest.raises(UserError) as caught:
        measure_movements(pd.DataFrame(reference), pd.DataFrame(current), ["a"], 0.1)
    assert caught.value.why == why
