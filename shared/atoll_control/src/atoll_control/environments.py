"""Environments: each project's and service's own `.venv`, brought to its lock by uv and nothing else."""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from atoll_control.errors import UserError
from atoll_control.process import Output, capture, clean_environment, side_by_side
from atoll_control.projects import Project
from atoll_control.services import Service

UNREACHABLE = (
    "failed to fetch",
    "error sending request",
    "dns error",
    "network was disabled",
    "network connectivity is disabled",
)

# A module whose file is gone is still found as a namespace package, which has no origin.
_IMPORTABLE = """
import importlib.util, pathlib, sys
wrong = []
for name, folder in zip(sys.argv[1::2], sys.argv[2::2]):
    spec = importlib.util.find_spec(name)
    if not spec or not spec.origin:
        wrong.append(name + " cannot be imported in it")
    elif folder and not pathlib.Path(spec.origin).is_relative_to(folder):
        wrong.append(name + " in it is that of another folder, " + str(pathlib.Path(spec.origin).parent))
sys.exit(", ".join(wrong) or 0)
"""


@dataclass(frozen=True)
class Synced:
    """What became of one environment: `problem` is None when it is at its lock and can start."""

    name: str
    problem: UserError | None = None


def uv(*arguments: str | Path, cwd: Path, **environment: str) -> Output:
    """Run uv, the wrapper's or the one on the PATH, without a view of any active environment."""
    program = os.environ.get("ATOLL_UV", "uv")
    return capture([program, *arguments], cwd=cwd, env=clean_environment(UV_PYTHON_DOWNLOADS="never", **environment))


def sync_environment(name: str, folder: Path, modules: Mapping[str, str], *, always: bool = False) -> Synced:
    """Bring the `.venv` of one uv project to its lock and see that `modules` can be found in it.

    `modules` has the folder that each must come from, empty where it does not matter: the environment of a checkout
    that was copied or moved still points to the old place.

    Nothing is fetched, and no network is needed, where nothing is missing. With `always` uv installs anew what was
    edited too, such as entry points.
    """
    python = folder / ".venv" / "bin" / "python"
    problem = _install(name, folder) if always or not _is_at_lock(folder) else None
    if not problem and missing_modules(python, modules):
        problem = _install(name, folder, "--reinstall")
    if not problem and (missing := missing_modules(python, modules)):
        problem = _broken(name, folder, missing)
    return Synced(name, problem)


def _is_at_lock(folder: Path) -> bool:
    """Say whether everything of others is installed as locked.

    An edit of a project's or the library's own source is no reason to install it again: both are installed as editable.
    """
    check = ("sync", "--quiet", "--locked", "--check", "--inexact", "--no-install-local")
    return (folder / ".venv" / "bin" / "python").exists() and uv(*check, cwd=folder).code == 0


def _install(name: str, folder: Path, *options: str) -> UserError | None:
    output = uv("sync", "--locked", *options, cwd=folder)
    return explain_sync(name, folder, output) if output.code else None


def sync_projects(
    projects: Sequence[Project | Service], done: Callable[[Synced], None], *, always: bool
) -> list[Synced]:
    """Sync several of them side by side; `done` hears of each as it ends. One with a problem is not touched."""
    return side_by_side(lambda project: _sync_project(project, always), projects, done)


def _sync_project(project: Project | Service, always: bool) -> Synced:
    if project.problem:
        return Synced(project.name, project.problem)
    return sync_environment(project.name, project.folder, project.modules, always=always)


def environment_problem(project: Project | Service) -> UserError | None:
    """Say what keeps it from starting, without changing anything."""
    if project.problem:
        return project.problem
    if not _is_at_lock(project.folder):
        output = uv("lock", "--check", cwd=project.folder)
        if output.code:
            return explain_sync(project.name, project.folder, output)
        what, why = f"the environment of {project.name} is not there.", "it is missing, or not at its lock."
        return UserError(what, why, _sync(project.name, project.folder))
    if missing := missing_modules(project.python, project.modules):
        return _broken(project.name, project.folder, missing)
    return None


def missing_modules(python: Path, modules: Mapping[str, str]) -> str:
    """Say which modules this interpreter does not find where they must be, or why it does not start; else nothing."""
    pairs = [part for pair in modules.items() for part in pair]
    output = capture([python, "-I", "-c", _IMPORTABLE, *pairs], cwd=python.parent)
    return (output.stderr.strip().splitlines() or ["python"])[-1] if output.code else ""


def probe_dagster(project: Project) -> UserError | None:
    """Import Dagster's command line in the project's environment: what `dagster dev` needs of it to survive."""
    output = capture([project.python, "-m", "dagster", "--version"], cwd=project.folder)
    if output.code == 0:
        return None
    reason = (output.stderr.strip().splitlines() or ["no message"])[-1]
    return _broken(project.name, project.folder, f"Dagster does not start in it ({reason})")


def _broken(name: str, folder: Path, reason: str) -> UserError:
    return UserError(
        f"the environment of {name} is broken.",
        f"{reason}.",
        f"rm -r {folder.parent.name}/{folder.name}/.venv && {_sync(name, folder)}",
    )


def _sync(name: str, folder: Path) -> str:
    match folder.parent.name:
        case "code_locations":
            return f"./atoll sync {name}"
        case "deploy":
            return "./atoll sync"
        case parent:
            return f"./atoll uv sync --project {parent}/{folder.name}"


def explain_sync(name: str, folder: Path, output: Output) -> UserError:
    """Turn uv's message into what, why and how."""
    where = f"{folder.parent.name}/{folder.name}"
    what = f"the environment of {name} is not there."
    text = output.stderr.strip()
    low = text.lower()
    last = text.splitlines()[-1].strip() if text else f"uv ended with {output.code}"
    if "lockfile" in low and ("needs to be updated" in low or "unable to find lockfile" in low or "missing" in low):
        return UserError(
            what, "its uv.lock does not fit its pyproject.toml or the library's.", f"./atoll uv lock --project {where}"
        )
    if "failed to parse `uv.lock`" in low:
        return UserError(
            what,
            "its uv.lock does not parse (a merge leaves its marks there).",
            f"git checkout HEAD -- {where}/uv.lock && ./atoll uv lock --project {where}",
        )
    if "no solution found" in low:
        return UserError(
            what, "its dependencies contradict each other.", f"mend them, then: ./atoll uv lock --project {where}"
        )
    if "no interpreter found" in low:
        return UserError(what, last, "install that Python, or widen requires-python in its pyproject.toml.")
    if any(sign in low for sign in UNREACHABLE):
        return UserError(
            what,
            "a package is missing here and the package index cannot be reached.",
            f"connect to a network, then: {_sync(name, folder)}",
        )
    if "no space left" in low:
        return UserError(what, "the disk is full.", f"make room, then: {_sync(name, folder)}")
    return UserError(what, f"uv says: {last}", f"mend that, then: {_sync(name, folder)}")
