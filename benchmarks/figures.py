"""Figures: what was measured, and how it is shown."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Row:
    """One measured quantity; `limit` is the most that its median may be."""

    label: str
    unit: str
    samples: Sequence[float]
    limit: float | None = None

    def summarize(self) -> dict[str, Any]:
        """Median, least and most of the samples, beside what they are."""
        return {
            "label": self.label,
            "unit": self.unit,
            "median": statistics.median(self.samples),
            "min": min(self.samples),
            "max": max(self.samples),
            "limit": self.limit,
            "samples": list(self.samples),
        }


@dataclass(frozen=True)
class Figure:
    """One comparison, with its rows."""

    name: str
    title: str
    rows: list[Row] = field(default_factory=list)

    def add(self, label: str, unit: str, samples: Sequence[float], limit: float | None = None) -> None:
        """Add a row."""
        self.rows.append(Row(label, unit, samples, limit))

    def add_ratio(self, label: str, ours: Sequence[float], theirs: Sequence[float], limit: float | None = None) -> None:
        """Add the ratios of the rounds: each of the two was measured in the same one."""
        self.add(label, "x", [a / b for a, b in zip(ours, theirs, strict=True)], limit)

    def summarize(self) -> dict[str, Any]:
        """Everything, for JSON."""
        return {"name": self.name, "title": self.title, "rows": [row.summarize() for row in self.rows]}


def show(figure: Figure) -> None:
    """Print one figure as a table."""
    columns = ("median", "min", "max", "limit")
    print(f"\n{figure.title:<62}" + "".join(f"{column:>11}" for column in columns))
    for row in figure.rows:
        cells = row.summarize()
        print(f"  {row.label:<60}" + "".join(f"{_format(cells[column], row.unit):>11}" for column in columns))


def _format(value: float | None, unit: str) -> str:
    return "" if value is None else f"{value:.{0 if unit in ('MB', 'kB') else 2}f} {unit}"
