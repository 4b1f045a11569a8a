"""Claims: what `check` says of a checkout, each with what breaks it and the cure."""

import ast
import importlib.metadata
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tomllib

from atoll_control.contracts import find_broken_contracts
from atoll_control.definitions import HEAVY, probe_definitions
from atoll_control.derived import find_drifted
from atoll_control.environments import explain_sync, uv
from atoll_control.errors import UserError
from atoll_control.files import Checkout
from atoll_control.projects import Project
from atoll_control.services import discover_services

# Dagster's own packages; a `dagster-*` of others has versions of its own.
RELEASED_TOGETHER = {"dagster"} | {
    f"dagster-{name}"
    for name in (
        "aws azure celery dask docker duckdb gcp graphql k8s mlflow mysql pandas pipes polars postgres pyspark shared "
        "slack spark webserver dg-cli dg-core"
    ).split()
}


@dataclass(frozen=True)
class Claim:
    """A sentence that `check` makes, and the function that returns what breaks it."""

    name: str
    sentence: str
    find_problems: Callable[[Checkout, Sequence[Project]], Iterable[UserError]]


def unreadable_projects(checkout: Checkout, projects: Sequence[Project]) -> Iterator[UserError]:
    """Folders that cannot be a code location."""
    yield from (project.problem for project in projects if project.problem)


def stale_locks(checkout: Checkout, projects: Sequence[Project]) -> Iterator[UserError]:
    """Locks that do not fit their manifests, the control plane's, the library's and the services' included."""
    folders = _locked_folders(checkout, projects)
    with ThreadPoolExecutor() as pool:
        outputs = list(pool.map(lambda folder: uv("lock", "--check", cwd=folder), folders))
    for folder, output in zip(folders, outputs, strict=True):
        if output.code:
            where = folder.relative_to(checkout.root)
            problem = explain_sync(folder.name, folder, output)
            first = f"git checkout HEAD -- {where / 'uv.lock'} && " if "does not parse" in problem.why else ""
            yield UserError(
                f"the lock {where / 'uv.lock'} is not current.",
                problem.why,
                f"{first}./atoll uv lock --project {where}",
            )


def drift(checkout: Checkout, projects: Sequence[Project]) -> Iterator[UserError]:
    """Derived files that differ from the folders."""
    for path in find_drifted(checkout, projects):
        yield UserError(
            f"{path.name} has drifted.", "it does not say what the folders under code_locations/ say.", "./atoll sync"
        )


def dagster_versions(checkout: Checkout, projects: Sequence[Project]) -> Iterator[UserError]:
    """Locks with another Dagster than the pair that the root's pyproject.toml states."""
    pair = tomllib.loads(checkout.pyproject.read_text(encoding="utf-8"))["tool"]["atoll"]["dagster"]
    for folder in _locked_folders(checkout, projects):
        for name, version in _locked_dagster(folder / "uv.lock"):
            wanted = pair["libraries"] if version.startswith("0.") else pair["core"]
            if version != wanted:
                where = folder.relative_to(checkout.root)
                yield UserError(
                    f"{where / 'uv.lock'} has {name} {version}.",
                    f"the platform runs {wanted} ([tool.atoll.dagster] in pyproject.toml).",
                    f"./atoll uv lock --project {where} --upgrade-package {name}=={wanted}",
                )
                break


def _locked_folders(checkout: Checkout, projects: Sequence[Project]) -> list[Path]:
    owners = [*discover_services(checkout), *healthy(projects)]
    return [checkout.root, checkout.library, *(owner.folder for owner in owners)]


def _locked_dagster(lock: Path) -> Iterator[tuple[str, str]]:
    try:
        content = tomllib.loads(lock.read_text(encoding="utf-8"))
    except (FileNotFoundError, tomllib.TOMLDecodeError):
        return  # The claim on locks reports it.
    packages: list[dict[str, Any]] = content.get("package", [])
    for package in packages:
        if package["name"] in RELEASED_TOGETHER:
            yield package["name"], package.get("version", "")


def untested_projects(checkout: Checkout, projects: Sequence[Project]) -> Iterator[UserError]:
    """Projects in which `./atoll test` would find nothing."""
    for project in healthy(projects):
        if not any((project.folder / "tests").rglob("test_*.py")):
            yield UserError(
                f"{project.name} has no tests.",
                f"there is no test_*.py under code_locations/{project.name}/tests.",
                f"write one, then: ./atoll test {project.name}",
            )


def foreign_imports(checkout: Checkout, projects: Sequence[Project]) -> Iterator[UserError]:
    """Imports of one project in another: what crosses is asset keys and the store."""
    names = {project.name for project in healthy(projects)}
    for project in healthy(projects):
        for file in sorted([*project.source.rglob("*.py"), *(project.folder / "tests").rglob("*.py")]):
            for module, line in _imports(file):
                if module in names - {project.name}:
                    place = f"{file.relative_to(checkout.root)}:{line}"
                    yield UserError(
                        f"{project.name} imports {module}.",
                        f"{place} does, and each project has an environment of its own.",
                        "take the asset by its key instead: a parameter or deps, see docs/handover.md",
                    )


def _imports(file: Path) -> Iterator[tuple[str, int]]:
    try:
        tree = ast.parse(file.read_text(encoding="utf-8"))
    except (SyntaxError, UnicodeDecodeError):
        return  # The claim on definitions reports it.
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name.partition(".")[0], node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            yield node.module.partition(".")[0], node.lineno


def foreign_distributions(checkout: Checkout, projects: Sequence[Project]) -> Iterator[UserError]:
    """Projects, the library or data-science packages in the control plane's environment."""
    banned = {*HEAVY, "atoll", *(project.name.replace("_", "-") for project in healthy(projects))}
    paths = [str(path) for path in (checkout.root / ".venv").glob("lib/python*/site-packages")]
    for distribution in importlib.metadata.distributions(path=paths):
        name = (distribution.metadata["Name"] or "").lower().replace("_", "-")
        if name in banned:
            yield UserError(
                f"the control plane has {name} installed.",
                "webserver and daemon hold no project and no data-science package.",
                "take it out of pyproject.toml and shared/atoll_control/pyproject.toml, then: ./atoll uv lock",
            )


def broken_definitions(checkout: Checkout, projects: Sequence[Project]) -> Iterator[UserError]:
    """Definitions that do not load in their own environment, or load more than they should, or share a key."""
    candidates = healthy(projects)
    owners: dict[str, list[str]] = defaultdict(list)
    with ThreadPoolExecutor(2) as pool:
        for project, (problem, found) in zip(candidates, pool.map(probe_definitions, candidates), strict=True):
            if problem:
                yield problem
                continue
            for key in found["keys"]:
                owners["/".join(key)].append(project.name)
            yield from _key_problems(project, found["keys"])
            yield from _heavy_problems(project, found["heavy"])
    for key, names in owners.items():
        if len(names) > 1:
            yield UserError(
                f"the asset key {key} is in {' and '.join(names)}.",
                "asset keys are global.",
                'give each project\'s assets key_prefix="<its name>".',
            )


def _key_problems(project: Project, keys: list[list[str]]) -> Iterator[UserError]:
    for key in keys:
        if key[0] != project.name:
            yield UserError(
                f"the asset key {'/'.join(key)} of {project.name} does not start with the location's name.",
                "asset keys are global, and two projects will both have that one.",
                f'give the asset key_prefix="{project.name}".',
            )


def _heavy_problems(project: Project, heavy: list[str]) -> Iterator[UserError]:
    if heavy:
        yield UserError(
            f"loading the definitions of {project.name} imports {', '.join(heavy)}.",
            "an idle code location would hold it in memory, and every run waits for it.",
            f"import it in the asset's body: code_locations/{project.name}/src/{project.name}/defs",
        )


def healthy(projects: Sequence[Project]) -> list[Project]:
    """Return the projects that can be read."""
    return [project for project in projects if not project.problem]


CLAIMS = (
    Claim("projects", "each folder under code_locations/ is a project with a fitting name", unreadable_projects),
    Claim("derived files", "workspace.yaml and dg's list of projects agree with the folders", drift),
    Claim("locks", "every lock is current", stale_locks),
    Claim("dagster", "the Dagster pair of versions is the same everywhere", dagster_versions),
    Claim("tests", "each project has tests", untested_projects),
    Claim("imports", "no project imports another", foreign_imports),
    Claim("control plane", "no project, library or data-science package is installed in it", foreign_distributions),
    Claim(
        "definitions",
        "each project loads in its own environment, light, with asset keys of its own",
        broken_definitions,
    ),
    Claim("contracts", "what a project takes is lent by another, as it was when it was taken", find_broken_contracts),
)
