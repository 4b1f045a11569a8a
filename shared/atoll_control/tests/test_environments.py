import json
import subprocess
import sys
from pathlib import Path

import pytest

from atoll_control.environments import explain_sync, missing_modules, sync_environment, uv
from atoll_control.process import Output


@pytest.mark.parametrize(
    ("stderr", "why", "how"),
    [
        (
            "error: The lockfile at `uv.lock` needs to be updated, but `--locked` was provided.",
            "its uv.lock does not fit its pyproject.toml or the library's.",
            "./atoll uv lock --project code_locations/alpha",
        ),
        (
            "error: Failed to fetch: `https://index.example/simple/numpy/`\n  Caused by: dns error",
            "a package is missing here and the package index cannot be reached.",
            "connect to a network, then: ./atoll sync alpha",
        ),
        (
            "error: No solution found when resolving dependencies:\n  networkx==99 cannot be used",
            "its dependencies contradict each other.",
            "mend them, then: ./atoll uv lock --project code_locations/alpha",
        ),
        ("error: No space left on device (os error 28)", "the disk is full.", "make room, then: ./atoll sync alpha"),
        ("error: something new", "uv says: error: something new", "mend that, then: ./atoll sync alpha"),
    ],
)
def test_what_uv_says_becomes_what_why_and_how(stderr, why, how):
    problem = explain_sync("alpha", Path("code_locations/alpha"), Output(2, "", stderr))
    assert (problem.what, problem.why, problem.how) == ("the environment of alpha is not there.", why, how)


def test_a_module_that_is_not_installed_is_named():
    python = Path(sys.executable)
    assert missing_modules(python, {"dagster": "", "json": ""}) == ""
    assert missing_modules(python, {"json": "", "no_such_module": ""}) == "no_such_module cannot be imported in it"


def test_a_module_whose_file_is_gone_counts_as_missing(tmp_path):
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path], check=True)
    (site_packages,) = tmp_path.glob("lib/python*/site-packages")
    (site_packages / "hollow").mkdir()
    assert missing_modules(tmp_path / "bin" / "python", {"hollow": ""}) == "hollow cannot be imported in it"


def test_a_module_of_another_checkout_is_not_taken_for_this_ones(tmp_path):
    said = missing_modules(Path(sys.executable), {"json": str(tmp_path)})
    assert said.startswith("json in it is that of another folder, ")
    assert missing_modules(Path(sys.executable), {"json": str(Path(json.__file__).parents[1])}) == ""


def test_an_interpreter_that_is_not_there_is_said():
    assert "No such file" in missing_modules(Path("/nowhere/bin/python"), {"json": ""})


def test_a_project_is_installed_and_a_stale_lock_is_refused(add_project):
    folder = add_project("alpha")
    assert uv("lock", "--offline", cwd=folder).code == 0
    assert sync_environment("alpha", folder, {}).problem is None
    assert (folder / ".venv" / "bin" / "python").exists()
    manifest = folder / "pyproject.toml"
    manifest.write_text(manifest.read_text().replace("dependencies = []", 'dependencies = ["dagster"]'))
    problem = sync_environment("alpha", folder, {}).problem
    assert problem is not None
    assert problem.how == "./atoll uv lock --project code_locations/alpha"


def test_an_environment_without_an_interpreter_is_made_again(add_project):
    folder = add_project("alpha")
    assert uv("lock", "--offline", cwd=folder).code == 0
    sync_environment("alpha", folder, {})
    (folder / ".venv" / "bin" / "python").unlink()
    assert sync_environment("alpha", folder, {"json": ""}).problem is None
