from base64 import b64decode

import dagster as dg
import matplotlib
from matplotlib.figure import Figure

from atoll import plot


def draw() -> Figure:
    figure = Figure(figsize=(2, 1))
    figure.subplots().plot([1, 3, 2])
    return figure


def test_a_figure_becomes_an_image_that_the_page_shows():
    value = plot(draw())
    assert isinstance(value, dg.MarkdownMetadataValue)
    before, _, data = value.value.partition("base64,")
    assert before == "![plot](data:image/png;"
    assert b64decode(data.rstrip(")"))[:8] == b"\x89PNG\r\n\x1a\n"


def test_the_same_figure_gives_the_same_image():
    assert plot(draw()) == plot(draw())


def test_no_window_system_is_asked_for():
    before = matplotlib.get_backend()
    plot(draw())
    assert matplotlib.get_backend() == before
