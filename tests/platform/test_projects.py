"""What is wrong with one project, or with MLflow, never takes the others down, and the output says how to mend it."""

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from clone import Clone
from dev import Dev
from small_project import add_project, install, lock
from waiting import wait_until


class Broken(NamedTuple):
    """A project with one fault; the three lines that `./atoll dev` says of it."""

    name: str
    break_: Callable[[Clone, Path], None]
    what: str
    why: str
    how: str


def lock_and(edit: Callable[[Path], None]) -> Callable[[Clone, Path], None]:
    def break_(clone: Clone, folder: Path) -> None:
        lock(clone, folder)
        edit(folder)

    return break_


def install_and(edit: Callable[[Path], None]) -> Callable[[Clone, Path], None]:
    def break_(clone: Clone, folder: Path) -> None:
        lock(clone, folder)
        install(clone, folder)
        edit(folder)

    return break_


def replace(path: Path, text: str) -> None:
    """Write a file anew: uv links installed ones to its cache, and writing into them would break that."""
    path.unlink()
    path.write_text(text)


def break_dagster(folder: Path) -> None:
    (package,) = folder.glob(".venv/lib/python*/site-packages/dagster")
    replace(package / "__init__.py", 'raise RuntimeError("broken on purpose")\n')


def break_code(folder: Path) -> None:
    replace(folder / "src" / folder.name / "defs" / "answers.py", "import nothing_of_that_name\n")


def make_lock_stale(folder: Path) -> None:
    manifest = (folder / "pyproject.toml").read_text()
    replace(folder / "pyproject.toml", manifest.replace('"atoll", ', '"atoll", "tomli", '))


def make_unparsable(_: Clone, folder: Path) -> None:
    replace(folder / "pyproject.toml", "[project\n")


def empty(_: Clone, folder: Path) -> None:
    (folder / "pyproject.toml").unlink()


BROKEN = [
    Broken(
        "broken_dagster",
        install_and(break_dagster),
        "the environment of broken_dagster is broken.",
        "Dagster does not start in it (RuntimeError: broken on purpose).",
        "rm -r code_locations/broken_dagster/.venv && ./atoll sync broken_dagster",
    ),
    Broken(
        "unimportable",
        install_and(break_code),
        "the definitions of unimportable do not load.",
        "ModuleNotFoundError: No module named 'nothing_of_that_name'",
        "mend code_locations/unimportable, then Reload in the page",
    ),
    Broken(
        "unparsable",
        make_unparsable,
        "code_locations/unparsable cannot be read.",
        "its pyproject.toml does not parse:",
        "mend that line of the file.",
    ),
    Broken(
        "notes",
        empty,
        "code_locations/notes is not a project.",
        "it has no pyproject.toml.",
        "add one, or move the folder out of code_locations/.",
    ),
    Broken(
        "json",
        lambda clone, folder: None,
        "json cannot be the name of a code location.",
        "Python's own library has a module of that name",
        "choose another folder name.",
    ),
]

# Without a network, and with nothing in uv's cache.
MISSING = [
    Broken(
        name,
        break_,
        f"the environment of {name} is not there.",
        "a package is missing here and the package index cannot be reached.",
        f"connect to a network, then: ./atoll sync {name}",
    )
    for name, break_ in (
        ("no_environment", lock),
        ("no_interpreter", install_and(lambda folder: (folder / ".venv" / "bin" / "python").unlink())),
    )
]

STALE = Broken(
    "stale_lock",
    lock_and(make_lock_stale),
    "the environment of stale_lock is not there.",
    "its uv.lock does not fit its pyproject.toml or the library's.",
    "./atoll uv lock --project code_locations/stale_lock",
)

DAMAGED = Broken(
    "mlflow",
    lambda clone, folder: None,
    "MLflow's server does not start.",
    ".atoll/mlflow/mlflow.db is damaged: file is not a database.",
    "end ./atoll dev, then: mv .atoll/mlflow/mlflow.db .atoll/mlflow/mlflow.db.damaged && ./atoll dev",
)


def is_told(broken: Broken, text: str) -> bool:
    lines = text.splitlines()
    places = [number for number, line in enumerate(lines) if line == f"what: {broken.what}"]
    return any(
        lines[place + 1].startswith(f"why:  {broken.why}") and lines[place + 2].startswith(f"how:  {broken.how}")
        for place in places
    )


def loaded(dev: Dev) -> set[str]:
    return {location.name for location in dev.page.locations() if location.loaded}


@pytest.fixture(scope="module")
def healthy(clone: Clone) -> list[str]:
    return clone.locations


@pytest.fixture
def broken_clone(idle_clone: Clone, healthy: list[str]) -> Iterator[Clone]:
    yield idle_clone
    for name in set(idle_clone.locations) - set(healthy):
        shutil.rmtree(idle_clone.root / "code_locations" / name)
    idle_clone.restore()


@pytest.fixture
def damaged_database(broken_clone: Clone) -> Iterator[Path]:
    """MLflow's database with content that is none."""
    database = broken_clone.root / ".atoll" / "mlflow" / "mlflow.db"
    kept = database.rename(database.with_suffix(".kept"))
    database.write_text("not a database, and long enough that nobody takes it for a new one " * 20)
    yield database
    kept.replace(database)


def test_without_a_network_the_healthy_come_up_and_of_each_other_it_is_said_what_is_wrong_and_how_to_mend_it(
    broken_clone, healthy, damaged_database, tmp_path
):
    for broken in (*BROKEN, *MISSING):
        broken.break_(broken_clone, add_project(broken_clone, broken.name))
    with Dev(broken_clone, UV_OFFLINE="1", UV_CACHE_DIR=str(tmp_path)) as dev:
        assert loaded(dev) == set(healthy)
        assert [broken.name for broken in (*BROKEN, *MISSING) if not is_told(broken, dev.text)] == [], dev.text
        wait_until(lambda: is_told(DAMAGED, dev.text), "what is wrong with MLflow's database")
        assert loaded(dev) == set(healthy)
    mended = broken_clone.atoll("sync", *(broken.name for broken in MISSING))
    assert mended.code == 0, mended.text
    listed = json.loads(broken_clone.atoll("list", "--json").stdout)
    assert {location["name"] for location in listed if location["ready"]} >= {broken.name for broken in MISSING}


def test_a_stale_lock_is_told_and_the_others_are_ready(broken_clone, healthy):
    STALE.break_(broken_clone, add_project(broken_clone, STALE.name))
    refused = broken_clone.atoll("sync")
    assert refused.code == 2
    assert is_told(STALE, refused.text), refused.text
    listed = json.loads(broken_clone.atoll("list", "--json").stdout)
    assert {location["name"] for location in listed if location["ready"]} == set(healthy)
