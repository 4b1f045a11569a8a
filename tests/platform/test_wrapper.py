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
    assert first_start.text.startswith("installing uv")
    assert clone.uv("--version").stdout.startswith("uv ")
    assert "environment of mlflow" in first_start.text
    for location in clone.locations:
        assert f"environment of {location}" in first_start.text
        assert f"{location} is loaded" in first_start.text


def test_what_is_installed_is_not_installed_again(clone):
    listed = clone.atoll("list")
    assert listed.code == 0
    assert listed.stderr == ""
    for location in clone.locations:
        assert location in listed.stdout


def test_uv_can_be_typed_where_only_the_wrapper_has_it(clone):
    assert clone.atoll("uv", "lock", "--check", "--project", "code_locations/vehicle_prices").code == 0
    assert clone.atoll("uv", "no-such-command").code == 2


def test_git_sees_nothing_of_what_was_installed_or_run(clone):
    assert clone.run("git", "status", "--porcelain").text == ""


def test_it_works_from_any_folder_and_through_links(clone, tmp_path):
    (tmp_path / "a folder").symlink_to(clone.root)
    (tmp_path / "a file").symlink_to(clone.root / "atoll")
    listed = [
        clone.run(command, "list", "--json", cwd=tmp_path)
        for command in (clone.root / "atoll", tmp_path / "a folder" / "atoll", "./a file")
    ]
    assert [finished.code for finished in listed] == [0, 0, 0], [finished.text for finished in listed]
    assert len({finished.stdout for finished in listed}) == 1


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


@pytest.mark.parametrize("program", ["exit 1", "echo uv 0.4.30"], ids=["does not start", "is too old"])
def test_a_uv_on_the_path_that_cannot_be_used_is_as_good_as_none(clone, tmp_path, program):
    (tmp_path / "uv").write_text(f"#!/bin/sh\n{program}\n")
    (tmp_path / "uv").chmod(0o755)
    environment = newcomers_environment(tmp_path / "bin", uv=tmp_path / "uv")
    listed = Clone(clone.root, environment).atoll("list")
    assert listed.code == 0, listed.text
    assert clone.locations[0] in listed.stdout
