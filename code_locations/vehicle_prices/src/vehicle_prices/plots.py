"""Figures of an evaluation."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullFormatter

INK, MUTED, GRID, MODEL, OUTSIDE = "#1f2933", "#7b8794", "#e4e7eb", "#0b6e99", "#d9822b"
PRICE_TICKS = [500, 1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000, 200_000]


def draw_estimates(cars: pd.DataFrame, predictions: pd.DataFrame, metrics: dict[str, float]) -> Figure:
    """Draw estimated against asked prices, both logarithmic.

    Args:
        cars: One row a car, with `price_usd`.
        predictions: `estimate`, `low` and `high` of the same rows.
        metrics: What `evaluate` measured.
    """
    price, estimate = cars["price_usd"].to_numpy(float), predictions["estimate"].to_numpy()
    inside = (predictions["low"].to_numpy() <= price) & (price <= predictions["high"].to_numpy())
    figure = Figure(figsize=(7.2, 6.4), layout="constrained", facecolor="white")
    axes = figure.subplots()
    limits = 400, 200_000
    axes.plot(limits, limits, color=INK, linewidth=1, zorder=1)
    axes.annotate(
        "estimate = asked price",
        (620, 620),
        (-3, 3),
        textcoords="offset points",
        rotation=45,
        rotation_mode="anchor",
        fontsize=9,
        color=INK,
    )
    for members, colour, label in ((inside, MODEL, "within its 90 % interval"), (~inside, OUTSIDE, "outside")):
        label = f"{label}: {members.mean():.0%} of cars"
        axes.scatter(price[members], estimate[members], s=18, color=colour, alpha=0.55, linewidths=0, label=label)
    axes.set(xscale="log", yscale="log", xlim=limits, ylim=limits, aspect="equal")
    axes.set(xlabel="asked price, US dollars", ylabel="estimated price, US dollars")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_ticks(PRICE_TICKS)
        axis.set_major_formatter(FuncFormatter(_short_dollars))
        axis.set_minor_formatter(NullFormatter())
    axes.legend(loc="upper left", frameon=False, fontsize=9, handletextpad=0.2)
    _title(
        axes,
        f"Estimated against asked price of {len(cars):,} cars not seen in training",
        f"off by ${metrics['mae']:,.0f} on average (95 % interval {metrics['mae_low']:,.0f} to "
        f"{metrics['mae_high']:,.0f}); the median guess by ${metrics['mae_baseline']:,.0f}",
    )
    _plain(axes)
    axes.grid(color=GRID, linewidth=0.8)
    return figure


def draw_slices(slices: list[dict[str, Any]]) -> Figure:
    """Draw the mean absolute error of each slice with its interval, beside the baseline's.

    Args:
        slices: The slices that `evaluate` measured.
    """
    rows: list[dict[str, Any] | str] = []
    for name in dict.fromkeys(entry["slice"] for entry in slices):
        rows += [name, *(entry for entry in slices if entry["slice"] == name)]
    figure = Figure(figsize=(7.6, 0.9 + 0.29 * len(rows)), layout="constrained", facecolor="white")
    axes = figure.subplots()
    for height, row in enumerate(rows):
        if isinstance(row, str):
            continue
        axes.plot([row["mae_low"], row["mae_high"]], [height, height], color=MODEL, linewidth=2.5, alpha=0.45)
        axes.plot(row["mae"], height, "o", color=MODEL, markersize=6)
        axes.plot(row["mae_baseline"], height, "|", color=MUTED, markersize=11, markeredgewidth=2)
    axes.set_yticks(range(len(rows)), [_row_label(row) for row in rows], fontsize=9)
    for label, row in zip(axes.get_yticklabels(), rows, strict=True):
        label.set_fontweight("bold" if isinstance(row, str) else "normal")
    axes.set(ylim=(len(rows) - 0.4, -0.6), xlabel="mean absolute error, US dollars")
    axes.set_xlim(left=0)
    axes.xaxis.set_major_formatter(FuncFormatter(_short_dollars))
    handles = [
        axes.plot(np.nan, np.nan, "-o", color=MODEL, markersize=6, label="model, 95 % interval")[0],
        axes.plot(np.nan, np.nan, "|", color=MUTED, markersize=11, markeredgewidth=2, label="median guess")[0],
    ]
    axes.legend(handles=handles, loc="lower right", bbox_to_anchor=(1, 1), ncols=2, frameon=False, fontsize=9)
    axes.set_title("Error by slice", loc="left", fontsize=11, fontweight="bold", color=INK)
    _plain(axes)
    axes.grid(axis="x", color=GRID, linewidth=0.8)
    return figure


def _row_label(row: dict[str, Any] | str) -> str:
    return row if isinstance(row, str) else f"{row['value']}  ({row['cars']:,} cars)"


def _short_dollars(dollars: float, _position: int) -> str:
    return f"${dollars / 1_000:g}k" if dollars >= 1_000 else f"${dollars:g}"


def _title(axes: Axes, title: str, subtitle: str) -> None:
    axes.set_title(f"{title}\n", loc="left", fontsize=11, fontweight="bold", color=INK)
    axes.annotate(subtitle, (0, 1), (0, 6), "axes fraction", "offset points", fontsize=9, color=MUTED, parse_math=False)


def _plain(axes: Axes) -> None:
    axes.set_axisbelow(True)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.spines["bottom"].set_color(GRID)
    axes.tick_params(length=0, which="both", colors=INK)
    axes.xaxis.label.set_color(MUTED)
    axes.yaxis.label.set_color(MUTED)
