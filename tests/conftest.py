import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from clone import Clone, make_clone
from dev import Dev, Terminal
from runs import WHOLE, launch, messages, wait_for_end


class Start(NamedTuple):
    """What a newcomer has after the first command in a fresh clone, `./atoll dev`, and what it printed."""

    terminal: Terminal
    text: str


@pytest.fixture(scope="session")
def first_start() -> Iterator[Start]:
    with tempfile.TemporaryDirectory(prefix="atoll-tests-") as folder:
        terminal = Terminal(make_clone(Path(folder)))
        try:
            yield Start(terminal, terminal.running().text)
        finally:
            terminal.idle()


@pytest.fixture
def platform(first_start: Start) -> Dev:
    """The running platform of the clone that the session shares."""
    return first_start.terminal.running()


@pytest.fixture(scope="session")
def clone(first_start: Start) -> Clone:
    """The clone that the session shares, installed; whether the platform runs in it does not matter."""
    return first_start.terminal.clone


@pytest.fixture
def idle_clone(first_start: Start) -> Clone:
    """The same clone with no platform running in it."""
    return first_start.terminal.idle()


@pytest.fixture(scope="session")
def headless_run(clone: Clone) -> dict[str, Any]:
    """What `./atoll run` of `vehicle_prices` on the sample says in JSON."""
    finished = clone.atoll("run", "vehicle_prices", "--json")
    assert finished.code == 0, finished.text
    return json.loads(finished.stdout)


@pytest.fixture(scope="session")
def sample_runs(first_start: Start) -> dict[str, str]:
    """A run of everything for each project without partitions, started in the page on the sample and ended: its id."""
    platform = first_start.terminal.running()
    runs = {location: launch(platform.page, location) for location in WHOLE}
    for run in runs.values():
        assert wait_for_end(platform.page, run) == "SUCCESS", messages(platform.page, run)
    return runs
