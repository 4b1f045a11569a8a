"""What a person reads: tables and progress on a terminal, plain lines without one, JSON when asked."""

import json
import sys
from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from atoll_control.errors import UserError

# Without a terminal a table is as wide as its content.
WIDE = 400

out = Console(soft_wrap=True, highlight=False, width=None if sys.stdout.isatty() else WIDE)
err = Console(stderr=True, soft_wrap=True, highlight=False)

GOOD, BAD = "[green]✓[/green]", "[red]✗[/red]"


def say(line: str, mark: str = "") -> None:
    """Print one line of progress to stderr, after GOOD or BAD where it is one or the other."""
    err.print(f"{mark} {escape(line)}" if mark else escape(line))


def show_problem(problem: UserError, console: Console = err) -> None:
    """Print what, why and how."""
    for label, text in (("what", problem.what), ("why", problem.why), ("how", problem.how)):
        console.print(f"[bold]{label + ':':<6}[/bold]{escape(text)}")


def show_table(columns: Sequence[str], rows: Sequence[Sequence[Any]], title: str | None = None) -> None:
    """Print a table."""
    table = Table(*columns, title=title, title_justify="left", box=None, pad_edge=False, header_style="bold")
    for row in rows:
        table.add_row(*(cell if cell in (GOOD, BAD) else escape("" if cell is None else str(cell)) for cell in row))
    out.print(table)


def show_json(value: Any) -> None:
    """Print a value as JSON to stdout."""
    json.dump(value, sys.stdout, indent=2, default=str)
    sys.stdout.write("\n")


def format_size(number: float) -> str:
    """Return bytes for people."""
    for unit in ("B", "kB", "MB", "GB"):
        if number < 1000:
            return f"{number:.0f} {unit}" if unit == "B" else f"{number:.1f} {unit}"
        number /= 1000
    return f"{number:.1f} TB"
