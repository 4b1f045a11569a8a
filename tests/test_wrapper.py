import shutil
import sys
from pathlib import Path

import pytest

from clone import Clone, newcomers_environment

BARE_PYTHON = """#!/bin/sh
# Stands in for the python3.11 of a Debian without python3-venv and python3-pip: what has no module fails as there.
case "$*" in
    *'import venv, ensurepip'*) echo "ModuleNotFoundError: No module named 'ensurepip'" >&2; exit 1 ;;
    *'-m pip'*) echo "No module named pip" >&2; exit 1 ;;
esac
exec {python} "$@"
"""


@pytest.fixture
def bare_checkout(clone: Clone, tmp_path: Path) -> Path:
    """A copy of the wrapper with nothing installed beside it."""
    shutil.copy2(clone.root / "atoll", tmp_path / "atoll")
    return tmp_path


def bare_python(folder: Path) -> Path:
    program = folder / "bare-python"
    program.write_text(BARE_PYTHON.format(python=Path(sys.base_prefix) / "bin" / "python3.11"))
    program.chmod(0o755)
    return program


def test_the_first_command_in_a_fresh_clone_installs_uv_and_every_environment(first_start, clone):
    assert shutil.which("uv", path=clone.environment["PATH"]) is None
    assert "installing uv ..." in first_start.text
    assert clone.uv("--version").stdout.startswith("uv ")
    for location in clone.locations:
        assert f"environment of {location}" in first_start.text
        assert f"{location} is loaded" in first_start.text


def test_what_is_installed_is_not_installed_again(clone):
    listed = clone.atoll("list")
    assert listed.code == 0
    assert listed.stderr == ""
    for location in clone.locations:
        assert location in listed.stdout


def test_git_sees_nothing_of_what_was_installed_or_run(clone):
    assert clone.run("git", "status", "--porcelain").text == ""


def test_it_works_from_any_folder_and_through_a_link(clone, tmp_path):
    link = tmp_path / "a link"
    link.symlink_to(clone.root)
    there = clone.run(clone.root / "atoll", "list", "--json", cwd=tmp_path)
    linked = clone.run(link / "atoll", "list", "--json", cwd=Path("/"))
    assert there.code == linked.code == 0, there.text + linked.text
    assert there.stdout == linked.stdout


def test_without_venv_and_pip_it_names_the_package_to_install(bare_checkout):
    environment = newcomers_environment(bare_checkout / "bin", **{"python3.11": bare_python(bare_checkout)})
    clone = Clone(bare_checkout, environment)
    refused = clone.atoll("list")
    assert refused.code == 2
    assert refused.stderr.splitlines()[-3:] == [
        "what: uv cannot be installed.",
        f"why:  {bare_checkout}/bin/python3.11 has neither venv (with ensurepip) nor pip.",
        "how:  apt install python3-venv (on other systems: the package that brings venv or pip), then run this again.",
    ]
    assert not (bare_checkout / ".atoll" / "uv").exists()
    assert list((bare_checkout / ".atoll").iterdir()) == []


def test_without_a_fitting_python_it_says_so(bare_checkout):
    false = Path(shutil.which("false") or "/bin/false")
    environment = newcomers_environment(bare_checkout / "bin", **{"python3.11": false})
    refused = Clone(bare_checkout, environment).atoll("list")
    assert refused.code == 2
    assert refused.stderr.splitlines()[0] == "what: no Python 3.11, 3.12 or 3.13 was found."
    assert "apt install python3 python3-venv" in refused.stderr.splitlines()[-1]


def test_a_uv_that_does_not_start_is_as_good_as_none(clone, tmp_path):
    """As the shim of a version manager that has no uv for this folder."""
    false = Path(shutil.which("false") or "/bin/false")
    environment = newcomers_environment(tmp_path / "bin", uv=false)
    listed = Clone(clone.root, environment).atoll("list")
    assert listed.code == 0, listed.text
