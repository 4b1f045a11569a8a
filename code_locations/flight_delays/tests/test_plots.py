from io import BytesIO

import made_up
import pytest

from flight_delays.baseline import count_rates
from flight_delays.evaluation import evaluate
from flight_delays.plots import draw_calibration, draw_slices, draw_year
from flight_delays.predictions import predict_delays
from flight_delays.training import make_trainer
from flight_delays.year import summarize


@pytest.fixture(scope="module")
def measured(training_set, features, outcomes, weeks):
    model = make_trainer("logistic_regression", {}).train(training_set)
    return {
        week: evaluate(
            predict_delays(model, features[week], training_set, "version 1"),
            outcomes[week],
            count_rates(training_set),
            made_up.airlines(),
        )
        for week in weeks[10:12]
    }


def test_the_calibration_shows_every_bin_and_the_bias(measured, weeks):
    result = measured[weeks[10]]
    (axes,) = draw_calibration(result).axes
    (points,) = [line for line in axes.lines if line.get_marker() == "o"]
    assert points.get_ydata().tolist() == [entry["observed"] for entry in result["calibration"]]
    assert any(f"{result['metrics']['bias']:+.1%}" in text.get_text() for text in axes.texts)
    axes.figure.savefig(BytesIO())


def test_the_slices_are_all_named(measured, weeks):
    result = measured[weeks[10]]
    figure = draw_slices(result["slices"])
    labels = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    for entry in result["slices"]:
        assert f"{entry['value']}  ({entry['flights']:,} flights)" in labels
    figure.savefig(BytesIO())


@pytest.fixture
def summary(measured):
    return summarize(measured, [])


def test_the_year_shows_champion_and_baseline_in_every_week(summary):
    figure = draw_year(summary)
    top, middle, _, bottom = figure.axes
    drawn = {line.get_label(): line.get_ydata().tolist() for line in top.lines}
    assert drawn["champion"] == [week["auc"] for week in summary["weeks"]]
    assert drawn["carrier and hour"] == [week["auc_baseline"] for week in summary["weeks"]]
    assert any(f"{summary['metrics']['auc_gain']:+.3f}" in text.get_text() for text in middle.texts)
    assert len(bottom.patches) == len(summary["weeks"])
    figure.savefig(BytesIO())


def test_the_year_shows_each_version_that_predicted_and_what_was_decided(summary):
    decision = {"version": 7, "gain": 0.02, "gain_low": 0.01, "gain_high": 0.03}
    kinds = {
        "promoted": {**decision, "outcome": "promoted"},
        "refused": {**decision, "outcome": "refused", "gain_low": -0.01},
        "better, refused for another reason": {**decision, "outcome": "refused"},
    }
    first = {"version": 1, "outcome": "promoted", "gain": None, "gain_low": None, "gain_high": None}
    one, other = summary["weeks"]
    for name, found in kinds.items():
        weeks = [
            {**one, "made_by": "baseline", "decision": first},
            {**other, "made_by": "version 1", "decision": found},
        ]
        figure = draw_year({**summary, "weeks": weeks})
        top, _, gate, _ = figure.axes
        assert {text.get_text() for text in top.texts} & {"baseline", "v1", "v7"} == {"v1"}
        drawn = {line.get_label(): list(line.get_ydata()) for line in gate.lines}
        assert drawn[name][-1] == 0.02
        assert drawn["promoted"][0] == 0
        assert sum(len(drawn[kind]) for kind in kinds) == 2
        promoted = ["v1", "v7"] if name == "promoted" else ["v1"]
        assert [text.get_text() for text in gate.texts if text.get_text().startswith("v")] == promoted
        assert any(f"{len(promoted)} of 2 promoted" in text.get_text() for text in gate.texts)
        figure.savefig(BytesIO())
