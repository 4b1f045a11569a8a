"""The workspace: `workspace.yaml` and dg's list of projects, derived from the folders under `code_locations/`."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import tomlkit
import tomllib
import yaml

from atoll_control.files import Checkout, write_atomically
from atoll_control.projects import Project

HEADER = "# Derived from the folders under code_locations/: `./atoll sync` writes it, `./atoll check` compares it.\n"


def render_workspace(projects: Sequence[Project], root: Path | None = None) -> str:
    """Return the text of a Dagster workspace file.

    Dagster takes paths as relative to where it is started: the checkout's root. Give `root` for absolute ones.
    """
    targets = [{"python_module": _target(project, root)} for project in projects]
    return HEADER + yaml.safe_dump({"load_from": targets}, sort_keys=False)


def _target(project: Project, root: Path | None) -> dict[str, str]:
    folder = (root or Path()) / "code_locations" / project.name
    return {
        "module_name": project.module,
        "working_directory": str(folder / "src"),
        "executable_path": str(folder / ".venv" / "bin" / "python"),
        "location_name": project.name,
    }


def dg_projects(projects: Sequence[Project]) -> list[dict[str, str]]:
    """Return the value of `[workspace] projects` of `dg.toml`."""
    return [{"path": f"code_locations/{project.name}"} for project in projects]


def drifted_files(checkout: Checkout, projects: Sequence[Project]) -> list[Path]:
    """Return the derived files that do not say what the folders say; unreadable projects are left out of both."""
    healthy = [project for project in projects if not project.problem]
    drifted = []
    if not checkout.workspace.is_file() or checkout.workspace.read_text() != render_workspace(healthy):
        drifted.append(checkout.workspace)
    if _listed(checkout) != dg_projects(healthy):
        drifted.append(checkout.dg)
    return drifted


def write_derived(checkout: Checkout, projects: Sequence[Project]) -> list[Path]:
    """Write the derived files that drifted and return them."""
    healthy = [project for project in projects if not project.problem]
    drifted = drifted_files(checkout, projects)
    if checkout.workspace in drifted:
        write_atomically(checkout.workspace, render_workspace(healthy))
    if checkout.dg in drifted:
        text = checkout.dg.read_text(encoding="utf-8") if checkout.dg.is_file() else 'directory_type = "workspace"\n'
        document: Any = tomlkit.parse(text)
        array = tomlkit.array()
        for entry in dg_projects(healthy):
            table = tomlkit.inline_table()
            table.update(entry)
            array.append(table)
        workspace = document.setdefault("workspace", tomlkit.table())
        workspace["projects"] = array.multiline(True)
        write_atomically(checkout.dg, tomlkit.dumps(document))
    return drifted


def _listed(checkout: Checkout) -> Any:
    if not checkout.dg.is_file():
        return None
    return tomllib.loads(checkout.dg.read_text(encoding="utf-8")).get("workspace", {}).get("projects")
