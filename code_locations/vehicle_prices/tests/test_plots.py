from io import BytesIO

import numpy as np
import pytest

from vehicle_prices.evaluation import evaluate
from vehicle_prices.plots import draw_estimates, draw_slices
from vehicle_prices.training import make_trainer


@pytest.fixture(scope="module")
def evaluated(split):
    predictions = make_trainer("ridge", {}).train(split.training).predict(split.test)
    return predictions, evaluate(split.test, predictions, split.training["price_usd"].median())


def test_the_plot_of_estimates_shows_every_car_and_the_error(split, evaluated):
    predictions, result = evaluated
    figure = draw_estimates(split.test, predictions, result["metrics"])
    (axes,) = figure.axes
    assert sum(len(np.asarray(points.get_offsets())) for points in axes.collections) == len(split.test)
    assert any(f"${result['metrics']['mae']:,.0f}" in text.get_text() for text in axes.texts)
    figure.savefig(BytesIO())


def test_the_plot_of_slices_names_every_slice(evaluated):
    _, result = evaluated
    figure = draw_slices(result["slices"])
    labels = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    for entry in result["slices"]:
        assert f"{entry['value']}  ({entry['cars']} cars)" in labels
    figure.savefig(BytesIO())
