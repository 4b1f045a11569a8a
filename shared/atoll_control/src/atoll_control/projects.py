"""Projects: the folders under `code_locations/`, and what their manifests say."""

import keyword
import re
import sys
from dataclasses import dataclass
from pathlib import Path

from atoll_control.errors import UserError
from atoll_control.files import Checkout
from atoll_control.manifest import (
    RUNS,
    SERVER,
    Limits,
    Smoke,
    read_limits,
    read_list,
    read_manifest,
    read_secrets,
    read_smoke,
    table,
)

# Packages, folders, and what else has an image or a container of its own.
RESERVED = {"atoll", "atoll_control", "dagster", "mlflow", "test", "tests", "shared", "all"} | {
    *("control", "webserver", "daemon", "guard", "proxy", "postgres"),
    *("registry", "prepare", "migrate", "migrate_mlflow"),
}


@dataclass(frozen=True)
class Project:
    """One folder under `code_locations/`.

    `lends` are keys of its assets that others may take, `takes` keys of others' assets that it takes: both with the
    name of the location in front. Where it is a container, `server` limits its code server and `runs` each of its
    runs, and `secrets` are environment variables that both get from files. `smoke` is what is materialized after it was
    delivered. `problem` is set when the folder cannot be a code location; everything that starts or installs leaves it
    out.
    """

    name: str
    folder: Path
    owner: str | None = None
    description: str | None = None
    requires_python: str | None = None
    lends: tuple[str, ...] = ()
    takes: tuple[str, ...] = ()
    server: Limits = SERVER
    runs: Limits = RUNS
    secrets: tuple[str, ...] = ()
    smoke: Smoke | None = None
    problem: UserError | None = None

    @property
    def python(self) -> Path:
        """The interpreter of the project's own environment."""
        return self.folder / ".venv" / "bin" / "python"

    @property
    def source(self) -> Path:
        """The folder that holds the project's package."""
        return self.folder / "src"

    @property
    def modules(self) -> dict[str, str]:
        """What its environment must hold, and the folder of this checkout that it must come from, if any."""
        library = self.folder.parents[1] / "shared" / "atoll"
        return {"dagster": "", "atoll": str(library), self.name: str(self.source)}

    @property
    def module(self) -> str:
        """What a code server loads."""
        return f"{self.name}.definitions"


def discover_projects(checkout: Checkout) -> list[Project]:
    """Return every folder under `code_locations/`, by name, healthy or not."""
    folders = (entry for entry in checkout.code_locations.glob("*") if entry.is_dir())
    return [read_project(folder) for folder in sorted(folders) if not folder.name.startswith((".", "__"))]


def select_projects(checkout: Checkout, names: list[str]) -> list[Project]:
    """Return the projects of these names in the order asked for, or all of them when none is named."""
    projects = {project.name: project for project in discover_projects(checkout)}
    if not names:
        return list(projects.values())
    unknown = [name for name in names if name not in projects]
    if unknown:
        raise UserError(
            f"there is no code location {unknown[0]}.",
            f"code_locations/ has {', '.join(projects) or 'no folder'}.",
            "name one of those: ./atoll list",
        )
    return [projects[name] for name in dict.fromkeys(names)]


def read_project(folder: Path) -> Project:
    """Read one folder; what is wrong with it is in the result, not raised."""
    where = f"code_locations/{folder.name}"
    try:
        check_name(folder.name)
        manifest = read_manifest(folder / "pyproject.toml", where)
        root_module = table(manifest, where, "tool", "dg", "project").get("root_module")
        about = table(manifest, where, "project")
        atoll = table(manifest, where, "tool", "atoll")
        lends = tuple(f"{folder.name}/{name}" for name in read_list(atoll, where, "lends"))
        takes = tuple(read_list(atoll, where, "takes"))
        secrets = read_secrets(atoll, where)
        smoke = read_smoke(table(manifest, where, "tool", "atoll", "smoke"), where)
        server, runs = (
            read_limits(table(manifest, where, "tool", "atoll", name), where, name, usual)
            for name, usual in (("server", SERVER), ("runs", RUNS))
        )
        if root_module != folder.name:
            raise UserError(
                f"{where} is not a project of that name.",
                f"its pyproject.toml has root_module = {root_module!r} under [tool.dg.project].",
                f'write root_module = "{folder.name}" there, or rename the folder.',
            )
        if not (folder / "src" / folder.name / "definitions.py").is_file():
            raise UserError(
                f"{where} has no definitions.",
                f"there is no src/{folder.name}/definitions.py.",
                "write one (three lines, see docs/handover.md) or move the folder away.",
            )
    except UserError as problem:
        return Project(folder.name, folder, problem=problem)
    return Project(
        folder.name,
        folder,
        atoll.get("owner"),
        about.get("description"),
        about.get("requires-python"),
        lends,
        takes,
        server,
        runs,
        secrets,
        smoke,
    )


def check_name(name: str) -> None:
    """Raise a UserError when a code location cannot have this name."""
    reason = None
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        reason = "a code location is a Python package: lower-case letters, digits and underscores, a letter first"
    elif keyword.iskeyword(name) or keyword.issoftkeyword(name):
        reason = "it is a word of the Python language"
    elif name in sys.stdlib_module_names:
        reason = "Python's own library has a module of that name, which would hide it or be hidden"
    elif name in RESERVED:
        reason = "the platform uses that name itself"
    if reason:
        raise UserError(f"{name} cannot be the name of a code location.", f"{reason}.", "choose another folder name.")
