import os
import secrets
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

import engine
from clone import Clone, Finished, make_clone
from dev import find_free_port
from server import NAME, Running, bring_up, equip, remove, write_secret, write_settings
from trials import NAME as TRIALS
from trials import SECRET, add_trials

HERE = Path(__file__).parent
# A delivery tries the week after the one that others let arrive. A backup's tests destroy the server that the session
# shares, and make another one of the backup.
LAST = ("test_delivery.py", "test_backup.py")
WHY = "tests/engine is left out: no Docker engine answers here (docker info)"

_LEFT_OUT = pytest.StashKey[bool]()


class Built(NamedTuple):
    """A clone whose images are built, and what `./atoll build` said."""

    clone: Clone
    said: Finished


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    mine = [item for item in items if HERE in item.path.parents]
    # What needs no server does not run beside it.
    served = {item.path for item in mine if "server" in getattr(item, "fixturenames", ())}
    items.sort(key=lambda item: (item.path in served, LAST.index(item.path.name) + 1 if item.path.name in LAST else 0))
    if not mine or engine.answers():
        return
    if "CI" in os.environ:
        raise pytest.UsageError(
            "no Docker engine answers, and in CI these tests are not left out: .ci/engine starts one."
        )
    config.stash[_LEFT_OUT] = True
    for item in mine:
        item.add_marker(pytest.mark.skip(reason=WHY))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if config.stash.get(_LEFT_OUT, False):
        terminalreporter.write_line(WHY)


@pytest.fixture(scope="session")
def engine_clone() -> Iterator[Clone]:
    """A clone with a project for trials, and with what the verbs of a server need; nothing is built."""
    with tempfile.TemporaryDirectory(prefix="atoll-engine-") as folder:
        clone = make_clone(Path(folder))
        add_trials(clone)
        yield equip(clone)


@pytest.fixture(scope="session")
def token() -> str:
    """The secret of the project for trials."""
    return secrets.token_urlsafe(24)


@pytest.fixture(scope="session")
def built(engine_clone: Clone, token: str) -> Built:
    # There before the images are built: whatever lies in the checkout must not end in one.
    write_secret(engine_clone, NAME, TRIALS, SECRET, token)
    said = engine_clone.atoll("build")
    assert said.code == 0, said.text
    return Built(engine_clone, said)


@pytest.fixture(scope="session")
def server(built: Built) -> Iterator[Running]:
    """The environment that the session shares, up."""
    remove(NAME)
    write_settings(built.clone, NAME, find_free_port())
    try:
        yield bring_up(built.clone, NAME)
    finally:
        remove(NAME)
