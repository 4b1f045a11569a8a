import numpy as np
import pytest

from flight_delays.year import MEASURES, summarize


def week(gain: float, flights: int = 100) -> dict:
    values = {"auc": 0.6 + gain, "auc_baseline": 0.6, "auc_gain": gain, "brier_gain": gain / 10}
    metrics = {name: values.get(name, 0.2) for name in MEASURES}
    ends = {f"{name}_{end}": value for name, value in metrics.items() for end in ("low", "high")}
    return {"flights": flights, "late_share": 0.2, "metrics": {**metrics, **ends}}


def test_each_week_counts_once():
    summary = summarize({"2013-03-17": week(0.1, flights=1), "2013-03-10": week(-0.02, flights=9_000)})
    assert summary["metrics"]["auc_gain"] == pytest.approx(0.04)
    assert [entry["week"] for entry in summary["weeks"]] == ["2013-03-10", "2013-03-17"]
    assert summary["weeks_won"] == 1


def test_the_interval_is_that_of_a_mean_over_weeks():
    gains = np.random.default_rng(0).normal(0.05, 0.04, 43)
    metrics = summarize({f"week {number:02}": week(gain) for number, gain in enumerate(gains)})["metrics"]
    error = gains.std() / np.sqrt(43)
    assert metrics["auc_gain_low"] == pytest.approx(gains.mean() - 1.96 * error, abs=error / 4)
    assert metrics["auc_gain_high"] == pytest.approx(gains.mean() + 1.96 * error, abs=error / 4)


def test_the_advantage_is_in_the_same_weeks_and_not_blurred_by_how_they_differ():
    levels = np.linspace(-0.2, 0.2, 20)
    weeks = {str(number): week(0.05) for number in range(20)}
    for level, found in zip(levels, weeks.values(), strict=True):
        found["metrics"] |= {"auc": 0.65 + level, "auc_baseline": 0.6 + level}
    metrics = summarize(weeks)["metrics"]
    assert metrics["auc_gain_low"] == pytest.approx(metrics["auc_gain_high"]) == pytest.approx(0.05)
    assert metrics["auc_high"] - metrics["auc_low"] > 0.05
