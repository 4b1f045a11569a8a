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
            predict_delays(model, features[week], training_set),
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


def test_the_year_shows_model_and_baseline_in_every_week(measured):
    summary = summarize(measured)
    figure = draw_year(summary)
    top, middle, bottom = figure.axes
    drawn = {line.get_label(): line.get_ydata().tolist() for line in top.lines}
    assert drawn["model"] == [week["auc"] for week in summary["weeks"]]
    assert drawn["carrier and hour"] == [week["auc_baseline"] for week in summary["weeks"]]
    assert any(f"{summary['metrics']['auc_gain']:+.3f}" in text.get_text() for text in middle.texts)
    assert len(bottom.patches) == len(summary["weeks"])
    figure.savefig(BytesIO())
