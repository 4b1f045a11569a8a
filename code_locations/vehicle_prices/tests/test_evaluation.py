import json

import numpy as np
import pandas as pd
import pytest

from vehicle_prices.evaluation import evaluate, tabulate_slices


@pytest.fixture
def cars() -> pd.DataFrame:
    count = 40
    return pd.DataFrame(
        {
            "price_usd": [10_000] * 20 + [30_000] * 20,
            "model": ["c-class"] * 30 + ["s-class"] * 10,
            "year": [2003] * 20 + [2018] * 20,
            "condition": ["good"] * count,
        }
    )


@pytest.fixture
def predictions(cars: pd.DataFrame) -> pd.DataFrame:
    """Off by 1,000 for the cheap cars and by 3,000 for the dear ones, whose prices lie outside the interval."""
    off = np.where(cars["price_usd"] == 10_000, 1_000, 3_000)
    estimate = cars["price_usd"] + off
    return pd.DataFrame({"estimate": estimate, "low": estimate - 2_000, "high": estimate + 2_000})


def test_metrics_are_what_they_are_said_to_be(cars, predictions):
    metrics = evaluate(cars, predictions, baseline_usd=20_000.0)["metrics"]
    expected = {"mae": 2_000, "mae_baseline": 10_000, "ratio": 0.2, "ape": 0.1, "ape_median": 0.1, "coverage": 0.5}
    assert {name: metrics[name] for name in expected} == pytest.approx(expected)


def test_intervals_are_those_of_a_mean_of_resampled_cars(cars, predictions):
    metrics = evaluate(cars, predictions, baseline_usd=20_000.0)["metrics"]
    standard_error = 1_000 / np.sqrt(len(cars))
    assert metrics["mae_low"] == pytest.approx(2_000 - 1.96 * standard_error, abs=60)
    assert metrics["mae_high"] == pytest.approx(2_000 + 1.96 * standard_error, abs=60)


def test_the_ratio_compares_both_on_the_same_cars(cars, predictions):
    same = predictions.assign(estimate=20_000.0)
    metrics = evaluate(cars, same, baseline_usd=20_000.0)["metrics"]
    assert metrics["ratio_low"] == metrics["ratio"] == metrics["ratio_high"] == 1


def test_slices_measure_their_own_cars_and_small_ones_are_left_out(cars, predictions):
    slices = evaluate(cars, predictions, baseline_usd=20_000.0)["slices"]
    found = {(entry["slice"], entry["value"]): (entry["cars"], entry["mae"]) for entry in slices}
    assert found == {
        ("model class", "c-class"): (30, pytest.approx(5_000 / 3)),
        ("model year", "1990 to 2004"): (20, 1_000),
        ("model year", "2016 and later"): (20, 3_000),
        ("price asked, US dollars", "up to 10,000"): (20, 1_000),
        ("price asked, US dollars", "20,001 to 35,000"): (20, 3_000),
        ("condition", "good"): (40, 2_000),
    }


def test_an_evaluation_is_the_same_every_time_and_fits_json(cars, predictions):
    once, twice = (evaluate(cars, predictions, 20_000.0) for _ in range(2))
    assert once == twice == json.loads(json.dumps(once, allow_nan=False))


def test_rows_are_matched_by_position_whatever_the_index(cars, predictions):
    moved = cars.set_axis(range(100, 140))
    assert evaluate(moved, predictions, 20_000.0) == evaluate(cars, predictions, 20_000.0)


def test_the_table_of_slices_has_a_line_for_each(cars, predictions):
    lines = tabulate_slices(evaluate(cars, predictions, 20_000.0)["slices"]).splitlines()
    assert len(lines) == 2 + 6
    assert lines[3] == "| model year | 1990 to 2004 | 20 | 1,000 | 1,000 to 1,000 | 10,000 | 100% |"
