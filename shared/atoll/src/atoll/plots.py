"""Figures in the page."""

from base64 import b64encode
from io import BytesIO
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dagster import MarkdownMetadataValue
    from matplotlib.figure import Figure


def plot(figure: "Figure") -> "MarkdownMetadataValue":
    """Turn a matplotlib figure into metadata that the page shows as an image.

    Args:
        figure: A matplotlib figure; it is not closed.

    Returns:
        Markdown with the figure as an embedded PNG.
    """
    from dagster import MetadataValue

    return MetadataValue.md(f"![plot](data:image/png;base64,{b64encode(draw(figure)).decode()})")


def draw(figure: "Figure") -> bytes:
    """Draw a matplotlib figure as a PNG file; the same figure gives the same bytes."""
    image = BytesIO()
    figure.savefig(image, format="png", dpi=100, bbox_inches="tight", metadata={"Software": None})
    return image.getvalue()
