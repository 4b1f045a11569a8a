"""A project as small as can be: one asset, and an environment of the library and Dagster alone."""

from pathlib import Path

import tomllib

from clone import Clone, Finished

MANIFEST = """
[project]
name = "{package}"
version = "0.1.0"
requires-python = ">=3.11,<3.12"
dependencies = ["atoll", "dagster=={dagster}"]

[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"

[tool.hatch.build.targets.wheel]
packages = ["src/{name}"]

[tool.uv.sources]
atoll = {{ path = "../../shared/atoll", editable = true }}

[tool.dg]
directory_type = "project"

[tool.dg.project]
root_module = "{name}"
"""

DEFINITIONS = "from atoll import definitions\n\ndefs = definitions(__file__)\n"

ASSETS = """import dagster as dg


@dg.asset(key_prefix="{name}")
def answer():
    return 42
"""


def add_project(clone: Clone, name: str) -> Path:
    """Write the files of a project; it has neither a lock nor an environment yet."""
    folder = clone.root / "code_locations" / name
    package = folder / "src" / name
    (package / "defs").mkdir(parents=True)
    control_plane = tomllib.loads((clone.root / "pyproject.toml").read_text())
    dagster = control_plane["tool"]["atoll"]["dagster"]["core"]
    (folder / "pyproject.toml").write_text(MANIFEST.format(name=name, package=name.replace("_", "-"), dagster=dagster))
    (package / "__init__.py").touch()
    (package / "definitions.py").write_text(DEFINITIONS)
    (package / "defs" / "__init__.py").touch()
    (package / "defs" / "answers.py").write_text(ASSETS.format(name=name))
    return folder


def lock(clone: Clone, folder: Path) -> None:
    _succeed(clone.uv("lock", "--quiet", cwd=folder))


def install(clone: Clone, folder: Path) -> None:
    """Make the environment of a locked project."""
    _succeed(clone.uv("sync", "--quiet", "--locked", cwd=folder))


def _succeed(done: Finished) -> None:
    assert done.code == 0, done.text
