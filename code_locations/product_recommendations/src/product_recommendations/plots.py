"""Figures of an evaluation."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from product_recommendations.evaluation import BASELINE, EVERYTHING, MODEL

INK, MUTED, GRID, BEST, OTHER = "#1f2933", "#7b8794", "#e4e7eb", "#0b6e99", "#9fb3c8"


def draw_recommenders(table: pd.DataFrame) -> Figure:
    """Draw the hit rate of each recommender with its interval.

    Args:
        table: What `evaluation.evaluate` measured.
    """
    rows = table[table["slice"] == EVERYTHING].sort_values("hit_rate").reset_index(drop=True)
    figure = Figure(figsize=(7.6, 1.2 + 0.48 * len(rows)), layout="constrained", facecolor="white")
    axes = figure.subplots()
    colours = [BEST if name == MODEL else MUTED if name == BASELINE else OTHER for name in rows["recommender"]]
    axes.barh(rows.index, rows["hit_rate"], color=colours, height=0.62)
    errors = [rows["hit_rate"] - rows["hit_rate_low"], rows["hit_rate_high"] - rows["hit_rate"]]
    axes.errorbar(rows["hit_rate"], rows.index, xerr=errors, fmt="none", ecolor=INK, elinewidth=1.4, capsize=3)
    for height, row in rows.iterrows():
        rate = f"{row['hit_rate']:.1%}"
        axes.annotate(rate, (row["hit_rate_high"], height), (7, 0), textcoords="offset points", va="center", color=INK)
    baseline = float(rows.loc[rows["recommender"] == BASELINE, "hit_rate"].iloc[0])
    axes.axvline(baseline, color=MUTED, linewidth=1, linestyle=(0, (4, 3)), zorder=0)
    axes.set_yticks(rows.index, rows["recommender"])
    axes.set_xlim(0, rows["hit_rate_high"].max() * 1.12)
    _title(
        axes,
        "How often the hidden item of a basket is among ten recommended",
        f"{rows['questions'][0]:,} test baskets of {rows['households'][0]:,} households, with 95 % intervals",
    )
    _plain(axes)
    return figure


def draw_slices(table: pd.DataFrame) -> Figure:
    """Draw the hit rates of the model and of the baseline in each slice, with their intervals.

    Args:
        table: What `evaluation.evaluate` measured.
    """
    sliced = table[table["slice"] != EVERYTHING]
    labels: list[str] = []
    headings: list[int] = []
    figure = Figure(figsize=(7.6, 1), layout="constrained", facecolor="white")
    axes = figure.subplots()
    for name, rows in sliced.groupby("slice", sort=False):
        headings.append(len(labels))
        labels.append(str(name))
        for value, pair in rows.groupby("value", sort=False):
            for recommender, colour in ((BASELINE, MUTED), (MODEL, BEST)):
                row = pair[pair["recommender"] == recommender].iloc[0]
                ends = [row["hit_rate_low"], row["hit_rate_high"]]
                axes.plot(ends, [len(labels)] * 2, color=colour, linewidth=2.5, alpha=0.45)
                axes.plot(row["hit_rate"], len(labels), "o", color=colour, markersize=6, clip_on=False)
            labels.append(f"{value}  ({pair['questions'].iloc[0]:,} baskets)")
    figure.set_figheight(0.9 + 0.29 * len(labels))
    axes.set_yticks(range(len(labels)), labels)
    for height in headings:
        axes.get_yticklabels()[height].set_fontweight("bold")
    axes.set_ylim(len(labels) - 0.4, -0.6)
    axes.set_xlim(left=0)
    for recommender, colour in ((BASELINE, MUTED), (MODEL, BEST)):
        axes.plot(np.nan, np.nan, "-o", color=colour, markersize=6, label=recommender)
    axes.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=2, frameon=False, fontsize=9)
    _title(axes, "Hit rate at 10 by slice", "with 95 % intervals")
    _plain(axes)
    return figure


def _title(axes: Axes, title: str, subtitle: str) -> None:
    axes.set_title(f"{title}\n", loc="left", fontsize=11, fontweight="bold", color=INK)
    axes.annotate(subtitle, (0, 1), (0, 6), "axes fraction", "offset points", fontsize=9, color=MUTED)


def _plain(axes: Axes) -> None:
    axes.set_axisbelow(True)
    axes.grid(axis="x", color=GRID, linewidth=0.8)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.spines["bottom"].set_color(GRID)
    axes.tick_params(length=0, labelsize=9, colors=INK)
    axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
