"""The workspace: `workspace.yaml` and dg's list of projects, derived from the folders under `code_locations/`."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import tomlkit
import yaml

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


def render_dg(text: str, projects: Sequence[Project]) -> str:
    """Return the text of `dg.toml` with its list of projects as the folders say; all else in it stays."""
    document: Any = tomlkit.parse(text)
    wanted = [{"path": f"code_locations/{project.name}"} for project in projects]
    workspace = document.setdefault("workspace", tomlkit.table())
    if workspace.get("projects") == wanted:
        return text
    array = tomlkit.array()
    for entry in wanted:
        table = tomlkit.inline_table()
        table.update(entry)
        array.append(table)
    workspace["projects"] = array.multiline(True)
    return tomlkit.dumps(document)
