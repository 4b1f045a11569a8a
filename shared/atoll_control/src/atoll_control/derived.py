"""Derived files: what the folders under `code_locations/` make of them, and which have drifted."""

from collections.abc import Sequence
from pathlib import Path

from atoll_control.delivery import render_delivery
from atoll_control.deployment.compose import render_compose
from atoll_control.files import Checkout, write_atomically
from atoll_control.projects import Project
from atoll_control.workspace import render_dg, render_workspace

DG = 'directory_type = "workspace"\n'


def find_drifted(checkout: Checkout, projects: Sequence[Project]) -> dict[Path, str]:
    """Return the derived files that do not say what the folders say, and what each should say."""
    healthy = [project for project in projects if not project.problem]
    dg = _read(checkout.dg)
    derived = {
        checkout.workspace: render_workspace(healthy),
        checkout.dg: render_dg(DG if dg is None else dg, healthy),
        checkout.compose: render_compose(healthy),
        checkout.delivery: render_delivery(healthy),
    }
    return {path: text for path, text in derived.items() if _read(path) != text}


def write_derived(checkout: Checkout, projects: Sequence[Project]) -> list[Path]:
    """Write the derived files that drifted and return them."""
    drifted = find_drifted(checkout, projects)
    for path, text in drifted.items():
        write_atomically(path, text)
    return list(drifted)


def _read(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.is_file() else None
