"""What goes into an image: what git tracks, or would, of a project and of the folders that it is installed from."""

import hashlib
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from atoll_control.errors import UserError
from atoll_control.files import Checkout
from atoll_control.images.tracked import list_files
from atoll_control.manifest import read_manifest, table
from atoll_control.projects import discover_projects, select_projects
from atoll_control.services import discover_services

CONTROL = "control"

# The recipe of every image, and the script that it installs packages with.
DOCKERFILE, INSTALL = "deploy/Dockerfile", "deploy/install"
MANIFESTS = ("pyproject.toml", "uv.lock")

# Of a project: not code that runs where the image does.
LEFT_OUT = ("tests", "docs", "README.md", "CHANGELOG.md", ".venv")

OLDEST_PYTHON = 11


@dataclass(frozen=True)
class Package:
    """A folder that is installed from: where it is in the checkout, its distribution's name, and its readme if any.

    `is_package` is False where uv takes the dependencies only.
    """

    folder: str
    distribution: str
    readme: str | None
    is_package: bool

    @property
    def manifests(self) -> list[str]:
        """The paths of the files that say what is installed with it."""
        return [self.path(name) for name in MANIFESTS]

    @property
    def pathspecs(self) -> list[str]:
        """What git is asked for."""
        if not self.is_package:
            return self.manifests
        return [self.folder, *(f":(exclude){self.path(name)}" for name in LEFT_OUT)]

    def path(self, name: str) -> str:
        """Return the path of one of its files in the checkout."""
        return name if self.folder == "." else f"{self.folder}/{name}"


@dataclass(frozen=True)
class Inputs:
    """What goes into one image.

    `packages` begins with the project itself. `files` has a hash of each file by its path in the checkout, `copied` the
    place in the image of some, and `pathspecs` is how git is asked for all.
    """

    name: str
    python: str
    packages: tuple[Package, ...]
    copied: Mapping[str, str]
    pathspecs: tuple[str, ...]
    files: Mapping[str, str]

    @property
    def folder(self) -> str:
        """The folder of the project in the checkout."""
        return self.packages[0].folder

    @property
    def manifests(self) -> list[str]:
        """The paths of the manifests of all its packages; some may not be there."""
        return [path for package in self.packages for path in package.manifests]

    @property
    def lock(self) -> str:
        """The path of its lock in the checkout."""
        return self.packages[0].path("uv.lock")


def image_names(checkout: Checkout) -> list[str]:
    """Return the name of every image of this checkout: the control plane's, the services' and the projects'."""
    services = [service.name for service in discover_services(checkout)]
    return [CONTROL, *services, *(project.name for project in discover_projects(checkout) if not project.problem)]


def read_inputs(checkout: Checkout, name: str) -> Inputs:
    """Find out what goes into the image of this name."""
    copied = {"deploy/entrypoint": "entrypoint"}
    if name == CONTROL:
        folder = "."
        copied["deploy/instance/dagster.yaml"] = "atoll/dagster_home/dagster.yaml"
    elif name in (service.name for service in discover_services(checkout)):
        folder = f"deploy/{name}"
    else:
        (project,) = select_projects(checkout, [name])
        if project.problem:
            raise project.problem
        folder = f"code_locations/{name}"
        # Where the library looks for the lock that an artefact was made with.
        copied[f"{folder}/uv.lock"] = f"atoll/{folder}/uv.lock"
    packages = tuple(_find_packages(checkout, folder))
    about = table(read_manifest(checkout.root / folder / "pyproject.toml", folder), folder, "project")
    pathspecs = [DOCKERFILE, INSTALL, *copied]
    for position, package in enumerate(packages):
        pathspecs += package.pathspecs
        if position:
            # The lock of the project is the one that counts.
            pathspecs.append(f":(exclude){package.path('uv.lock')}")
    files = {path: _hash(checkout.root / path) for path in list_files(checkout, pathspecs)}
    return Inputs(name, _find_python(about.get("requires-python", "")), packages, copied, tuple(pathspecs), files)


def _find_packages(checkout: Checkout, folder: str) -> Iterator[Package]:
    """Yield the package of a folder and those that its manifest takes from other folders of the checkout."""
    waiting, seen = [folder], set()
    while waiting:
        folder = waiting.pop(0)
        if folder in seen:
            continue
        seen.add(folder)
        manifest = read_manifest(checkout.root / folder / "pyproject.toml", folder)
        about, uv = table(manifest, folder, "project"), table(manifest, folder, "tool", "uv")
        readme = about.get("readme")
        yield Package(
            folder,
            about.get("name", Path(folder).name),
            readme.get("file") if isinstance(readme, dict) else readme,
            uv.get("package") is not False,
        )
        waiting += _path_sources(checkout, folder, uv)


def _path_sources(checkout: Checkout, folder: str, uv: dict[str, Any]) -> Iterator[str]:
    for name, sources in uv.get("sources", {}).items():
        for source in sources if isinstance(sources, list) else [sources]:
            path = Path(os.path.normpath(checkout.root / folder / source["path"])) if "path" in source else None
            if path is None or not path.is_dir():
                continue
            if not path.is_relative_to(checkout.root):
                raise UserError(
                    f"{folder} has no image.",
                    f"its {name} comes from {path}, which is outside of the checkout.",
                    "move that folder under shared/, or depend on a published package.",
                )
            yield str(path.relative_to(checkout.root))


def _find_python(requires: str) -> str:
    """Return the oldest Python that a project takes and the platform has."""
    found = re.search(r"(?:>=|==|~=)\s*3\.(\d+)", requires)
    return f"3.{max(OLDEST_PYTHON, int(found[1]) if found else 0)}"


def _hash(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
