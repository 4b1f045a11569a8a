from collections.abc import Callable
from pathlib import Path

import pytest

from atoll_control.files import Checkout

MANIFEST = """
[project]
name = "{name}"
version = "0.1.0"
requires-python = ">=3.11"
dependencies = []

[tool.dg]
directory_type = "project"

[tool.dg.project]
root_module = "{name}"

[tool.atoll]
owner = "data-science"
"""

ROOT = """
[project]
name = "platform"
version = "0.1.0"

"""

DG = """
directory_type = "workspace"

# A comment that a rewrite keeps.
[workspace]
projects = []
"""

INSTANCE = """
storage:
  sqlite:
    base_dir: .atoll/instance/storage
telemetry:
  enabled: false
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    """A checkout with the files that the command needs to find its way, and no project."""
    (tmp_path / "pyproject.toml").write_text(ROOT)
    (tmp_path / "dg.toml").write_text(DG)
    (tmp_path / "dagster.yaml").write_text(INSTANCE)
    (tmp_path / "code_locations").mkdir()
    return Checkout(tmp_path)


@pytest.fixture
def add_project(checkout: Checkout) -> Callable[..., Path]:
    """Make a folder that is a project of this name; it is never installed."""

    def add(name: str) -> Path:
        folder = checkout.code_locations / name
        package = folder / "src" / name
        package.mkdir(parents=True)
        (package / "__init__.py").touch()
        (package / "definitions.py").write_text("")
        (folder / "pyproject.toml").write_text(MANIFEST.format(name=name))
        return folder

    return add


@pytest.fixture
def docker_socket(tmp_path, monkeypatch) -> Path:
    """A file in the place of Docker's socket."""
    socket = tmp_path / "docker.sock"
    socket.touch()
    monkeypatch.setattr("atoll_control.deployment.variables.DOCKER_SOCKET", socket)
    return socket
