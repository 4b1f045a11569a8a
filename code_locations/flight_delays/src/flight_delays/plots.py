"""Figures of an evaluation and of the year."""

from collections.abc import Mapping, Sequence
from datetime import date
from itertools import groupby
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.dates import DateFormatter, MonthLocator
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter
from numpy.typing import NDArray

from flight_delays.baseline import FALLBACK

INK, MUTED, GRID, MODEL, BASELINE = "#1f2933", "#7b8794", "#e4e7eb", "#0b6e99", "#d9822b"
SMALL: dict[str, Any] = {"fontsize": 8, "color": MUTED}
KINDS = {
    "refused": (MUTED, "o", "white"),
    "better, refused for another reason": (MODEL, "o", "white"),
    "promoted": (MODEL, "^", MODEL),
}
"""What the gate decided: colour, marker and its filling."""

HALF_A_WEEK = np.timedelta64(84, "h")


def draw_calibration(result: Mapping[str, Any]) -> Figure:
    """Draw the share of flights that were late against the predicted probability, with intervals.

    Args:
        result: What `evaluate` returns.
    """
    bins, metrics = result["calibration"], result["metrics"]
    figure = Figure(figsize=(6.4, 5.6), layout="constrained", facecolor="white")
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], color=INK, linewidth=1)
    for entry in bins:
        axes.plot([entry["predicted"]] * 2, [entry["observed_low"], entry["observed_high"]], color=MODEL, alpha=0.45)
    axes.plot([entry["predicted"] for entry in bins], [entry["observed"] for entry in bins], "o", color=MODEL)
    limit = max(0.5, *(max(entry["predicted"], entry["observed_high"]) for entry in bins)) + 0.03
    axes.set(xlim=(0, limit), ylim=(0, limit), aspect="equal")
    axes.set(xlabel="predicted probability of being late", ylabel="share that was late")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(PercentFormatter(1, decimals=0))
    _title(
        axes,
        f"Calibration on {result['flights']:,} flights, in tenths",
        f"mean probability less share late: {metrics['bias']:+.1%} (95 % interval {metrics['bias_low']:+.1%} to "
        f"{metrics['bias_high']:+.1%})",
    )
    _plain(axes)
    axes.grid(color=GRID, linewidth=0.8)
    return figure


def draw_slices(slices: list[dict[str, Any]]) -> Figure:
    """Draw the AUC of each slice with its interval, beside the baseline's.

    Args:
        slices: The slices that `evaluate` measured.
    """
    rows: list[dict[str, Any] | str] = []
    for name in dict.fromkeys(entry["slice"] for entry in slices):
        rows += [name, *(entry for entry in slices if entry["slice"] == name)]
    figure = Figure(figsize=(7.6, 0.9 + 0.29 * len(rows)), layout="constrained", facecolor="white")
    axes = figure.subplots()
    axes.axvline(0.5, color=INK, linewidth=1)
    for height, row in enumerate(rows):
        if isinstance(row, str):
            continue
        axes.plot([row["auc_low"], row["auc_high"]], [height, height], color=MODEL, linewidth=2.5, alpha=0.45)
        axes.plot(row["auc"], height, "o", color=MODEL, markersize=6)
        axes.plot(row["auc_baseline"], height, "|", color=BASELINE, markersize=11, markeredgewidth=2)
    axes.set_yticks(range(len(rows)), [_label(row) for row in rows], fontsize=9)
    for label, row in zip(axes.get_yticklabels(), rows, strict=True):
        label.set_fontweight("bold" if isinstance(row, str) else "normal")
    axes.set(ylim=(len(rows) - 0.4, -0.6), xlabel="area under the ROC curve; 0.5 is chance")
    handles = [
        axes.plot(np.nan, np.nan, "-o", color=MODEL, markersize=6, label="model, 95 % interval")[0],
        axes.plot(np.nan, np.nan, "|", color=BASELINE, markersize=11, markeredgewidth=2, label="baseline")[0],
    ]
    axes.legend(handles=handles, loc="lower right", bbox_to_anchor=(1, 1), ncols=2, frameon=False, fontsize=9)
    axes.set_title("AUC by slice", loc="left", fontsize=11, fontweight="bold", color=INK)
    _plain(axes)
    axes.grid(axis="x", color=GRID, linewidth=0.8)
    return figure


def draw_year(summary: Mapping[str, Any]) -> Figure:
    """Draw the year, week by week.

    Four panels: AUC of champion and baseline, with the version that predicted; the advantage; what the gate decided
    about the week's own model, with its gain over the champion; and the share of flights that were late.

    Args:
        summary: What `summarize` returns.
    """
    weeks, metrics = summary["weeks"], summary["metrics"]
    days = np.array([date.fromisoformat(week["week"]) for week in weeks], dtype="datetime64[D]")
    column = {name: np.array([week[name] for week in weeks]) for name in weeks[0] if name not in ("week", "decision")}
    figure = Figure(figsize=(9.6, 10.4), layout="constrained", facecolor="white")
    top, middle, gate, bottom = figure.subplots(4, 1, sharex=True, height_ratios=[3, 2, 2, 1.2])
    for name, colour, label in (("auc_baseline", BASELINE, "carrier and hour"), ("auc", MODEL, "champion")):
        top.fill_between(days, column[f"{name}_low"], column[f"{name}_high"], color=colour, alpha=0.15, linewidth=0)
        top.plot(days, column[name], "-o", color=colour, markersize=4, linewidth=1.5, label=label)
    top.set_ylabel("AUC")
    top.legend(loc="lower right", bbox_to_anchor=(1, 1.06), ncols=2, frameon=False, fontsize=9)
    _title(
        top,
        "Arrivals more than 15 minutes late: the year, week by week",
        f"mean AUC {metrics['auc']:.3f}, baseline {metrics['auc_baseline']:.3f}; better in {summary['weeks_won']} of "
        f"{len(weeks)} weeks; bands are 95 % intervals, days resampled; v is who predicted",
    )
    middle.vlines(days, column["auc_gain_low"], column["auc_gain_high"], color=MODEL, alpha=0.45, linewidth=2.5)
    middle.plot(days, column["auc_gain"], "o", color=MODEL, markersize=4)
    middle.axhline(0, color=INK, linewidth=1)
    middle.axhspan(metrics["auc_gain_low"], metrics["auc_gain_high"], color=MODEL, alpha=0.15, linewidth=0)
    middle.set_ylabel("AUC above the baseline's")
    _title(
        middle,
        "",
        f"all weeks: {metrics['auc_gain']:+.3f} (95 % interval {metrics['auc_gain_low']:+.3f} to "
        f"{metrics['auc_gain_high']:+.3f}, weeks resampled)",
    )
    _draw_champions(top, days, [week["made_by"] for week in weeks])
    _draw_decisions(gate, days, [week["decision"] for week in weeks])
    bottom.bar(days, column["late_share"], width=5, color=MUTED)
    bottom.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    bottom.set_ylabel("late")
    bottom.xaxis.set_major_locator(MonthLocator())
    bottom.xaxis.set_major_formatter(DateFormatter("%b"))
    for axes in (top, middle, gate, bottom):
        _plain(axes)
        axes.grid(axis="y", color=GRID, linewidth=0.8)
    return figure


def _draw_champions(axes: Axes, days: NDArray[np.datetime64], made_by: Sequence[str]) -> None:
    """Shade every other champion's weeks and name its version; weeks that the baseline predicted have no name."""
    axes.margins(y=0.12)
    for number, (name, members) in enumerate(groupby(zip(days, made_by, strict=True), key=lambda week: week[1])):
        weeks = [day for day, _ in members]
        start, end = weeks[0] - HALF_A_WEEK, weeks[-1] + HALF_A_WEEK
        if number % 2:
            axes.axvspan(start, end, color=GRID, alpha=0.6, linewidth=0, zorder=0)
        if name != FALLBACK:
            label = name.replace("version ", "v")
            axes.annotate(label, (start, 1), (4, -11), ("data", "axes fraction"), "offset points", **SMALL)


def _draw_decisions(axes: Axes, days: NDArray[np.datetime64], decisions: Sequence[Mapping[str, Any] | None]) -> None:
    """Draw the gain of each week's model over the champion, with its interval; a first model stands at 0."""
    judged = [(day, row) for day, row in zip(days, decisions, strict=True) if row is not None]
    kinds = {name: [(day, row) for day, row in judged if _name_kind(row) == name] for name in KINDS}
    for name, (colour, marker, filling) in KINDS.items():
        for day, row in kinds[name]:
            if row["gain"] is not None:
                axes.plot([day, day], [row["gain_low"], row["gain_high"]], color=colour, alpha=0.45, linewidth=2.5)
        gains = [row["gain"] or 0 for _, row in kinds[name]]
        axes.plot([day for day, _ in kinds[name]], gains, marker, color=colour, markerfacecolor=filling, label=name)
    for day, row in kinds["promoted"]:
        place = (day, row["gain_high"] or 0)
        axes.annotate(f"v{row['version']}", place, (0, 6), textcoords="offset points", ha="center", **SMALL)
    axes.axhline(0, color=INK, linewidth=1)
    axes.set_ylabel("AUC above the champion's")
    axes.legend(loc="lower right", bbox_to_anchor=(1, 0.98), ncols=3, frameon=False, fontsize=9)
    _title(axes, "", f"the week's own model at the gate: {len(kinds['promoted'])} of {len(judged)} promoted")


def _name_kind(decision: Mapping[str, Any]) -> str:
    if decision["outcome"] == "promoted":
        return "promoted"
    return "refused" if (decision["gain_low"] or 0) <= 0 else "better, refused for another reason"


def _label(row: dict[str, Any] | str) -> str:
    return row if isinstance(row, str) else f"{row['value']}  ({row['flights']:,} flights)"


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
