from datetime import datetime, timezone
from typing import Any

import numpy as np
import pytest

from atoll.promotion.registry import Decision
from flight_delays.plots import draw_year
from flight_delays.year import MEASURES, summarize, tabulate_weeks


def week(gain: float, flights: int = 100) -> dict:
    values = {"auc": 0.6 + gain, "auc_baseline": 0.6, "auc_gain": gain, "brier_gain": gain / 10}
    metrics = {name: values.get(name, 0.2) for name in MEASURES}
    ends = {f"{name}_{end}": value for name, value in metrics.items() for end in ("low", "high")}
    return {"made_by": "version 1", "flights": flights, "late_share": 0.2, "metrics": {**metrics, **ends}}


def decide(number: int, week: str, outcome: str, before: int | None, champion: int | None, gain: float | None = None):
    ends = {} if gain is None else {"gain_low": gain - 0.01, "gain_high": gain + 0.01, "champion": 0.7 - gain}
    figures: dict[str, Any] = {**dict.fromkeys(("champion", "gain_low", "gain_high")), **ends}
    figures |= {"challenger": 0.7, "gain": gain}
    failed = outcome != "promoted"
    figures["conditions"] = [{"what": "gain over the champion", "passed": not failed}, {"what": "size", "passed": True}]
    now = datetime(2014, 1, 5, tzinfo=timezone.utc)
    return Decision(number, outcome, now, week, number, before, champion, "why", figures=figures)


def test_each_week_counts_once():
    summary = summarize({"2013-03-17": week(0.1, flights=1), "2013-03-10": week(-0.02, flights=9_000)}, [])
    assert summary["metrics"]["auc_gain"] == pytest.approx(0.04)
    assert [entry["week"] for entry in summary["weeks"]] == ["2013-03-10", "2013-03-17"]
    assert summary["weeks_won"] == 1


def test_the_interval_is_that_of_a_mean_over_weeks():
    gains = np.random.default_rng(0).normal(0.05, 0.04, 43)
    metrics = summarize({f"week {number:02}": week(gain) for number, gain in enumerate(gains)}, [])["metrics"]
    error = gains.std() / np.sqrt(43)
    assert metrics["auc_gain_low"] == pytest.approx(gains.mean() - 1.96 * error, abs=error / 4)
    assert metrics["auc_gain_high"] == pytest.approx(gains.mean() + 1.96 * error, abs=error / 4)


def test_the_advantage_is_in_the_same_weeks_and_not_blurred_by_how_they_differ():
    levels = np.linspace(-0.2, 0.2, 20)
    weeks = {str(number): week(0.05) for number in range(20)}
    for level, found in zip(levels, weeks.values(), strict=True):
        found["metrics"] |= {"auc": 0.65 + level, "auc_baseline": 0.6 + level}
    metrics = summarize(weeks, [])["metrics"]
    assert metrics["auc_gain_low"] == pytest.approx(metrics["auc_gain_high"]) == pytest.approx(0.05)
    assert metrics["auc_high"] - metrics["auc_low"] > 0.05


def test_each_week_tells_who_predicted_it_and_what_became_of_its_own_model():
    weeks = ["2013-03-10", "2013-03-17", "2013-03-24", "2013-03-31"]
    evaluations = {name: week(0.05) for name in weeks}
    evaluations[weeks[0]]["made_by"] = "baseline"
    decisions = [
        decide(1, weeks[0], "promoted", None, 1),
        decide(2, weeks[1], "refused", 1, 1, gain=-0.02),
        decide(3, weeks[2], "refused", 1, 1, gain=0.0),
        decide(4, weeks[2], "promoted", 1, 4, gain=0.03),
        Decision(5, "rolled back", datetime.now(timezone.utc), weeks[2], 1, 4, 1, "why"),
    ]
    found = summarize(evaluations, decisions)["weeks"]
    assert [entry["made_by"] for entry in found] == ["baseline", *["version 1"] * 3]
    told = [entry["decision"] for entry in found]
    assert [
        entry and (entry["version"], entry["outcome"], entry["gain"], entry["rolled_back_to"]) for entry in told
    ] == [
        (1, "promoted", None, None),
        (2, "refused", -0.02, None),
        (4, "promoted", 0.03, 1),
        None,
    ]
    assert told[1]["failed"] == ["gain over the champion"]
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in tabulate_weeks(found).splitlines()]
    assert len({len(row) for row in rows}) == 1
    assert rows[2][:5] == ["2013-03-10", "baseline", "0.650", "0.600", "version 1"]
    assert rows[3][5:] == ["0.700", "0.720", "-0.020", "-0.030 to -0.010", "refused", "gain over the champion"]
    assert rows[4][9] == "promoted, then rolled back to version 1"
    assert rows[5][4:] == ["", "", "", "", "", "not judged", ""]


def test_a_model_that_was_refused_because_a_person_took_it_back_has_no_figures():
    now = datetime(2014, 1, 5, tzinfo=timezone.utc)
    taken_back = Decision(
        4, "refused", now, "2013-03-10", 2, 1, 1, "decision 3 took version 2 back", rule={"metric": "x"}
    )
    found = summarize({"2013-03-10": week(0.1)}, [decide(1, "2013-03-10", "promoted", None, 1), taken_back])
    assert found["weeks"][0]["decision"]["outcome"] == "refused"
    assert tabulate_weeks(found["weeks"]).splitlines()[2].startswith("| 2013-03-10 | version 1 |")
    assert draw_year(found).axes
