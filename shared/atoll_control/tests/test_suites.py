import signal
import sys
from pathlib import Path

import pytest

from atoll_control.files import Checkout
from atoll_control.workflows import test as workflow
from atoll_control.workflows.sync import Synced

HEARS_CTRL_C = """import signal


def test_it():
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
"""


@pytest.fixture
def tested(checkout, add_project, monkeypatch) -> Checkout:
    """One project, whose environment is that of these tests; its own test hears Ctrl-C."""
    folder: Path = add_project("cars")
    (checkout.library / "tests" / "portable").mkdir(parents=True)
    for tests in (folder / "tests", checkout.library / "tests" / "portable"):
        tests.mkdir(exist_ok=True)
        (tests / "test_it.py").write_text(HEARS_CTRL_C)
    python = folder / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    python.chmod(0o755)
    monkeypatch.setattr(workflow, "sync_with_progress", lambda projects: [Synced(each.name) for each in projects])
    return checkout


def test_tests_hear_ctrl_c_where_the_command_itself_was_started_to_ignore_it(tested):
    """As a shell starts what a script runs in the background."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        assert workflow.test(tested, ["cars"]) == 0
    finally:
        signal.signal(signal.SIGINT, before)


def test_two_suites_with_servers_run_at_a_time_and_what_has_none_is_nicer(checkout):
    for folder, files in {"slow": 3, "quick": 1, "between": 2, "no_tests": 0}.items():
        (checkout.root / "tests" / folder).mkdir(parents=True)
        for number in range(files):
            (checkout.root / "tests" / folder / f"test_{number}.py").touch()
    arranged = workflow.arrange(workflow.platform_suites(checkout), workflow.own_suites(checkout))
    assert [suite.name for suite in arranged] == ["slow", "quick", "atoll", "between", "atoll_control"]
    slow, quick, library, between, command = (suite.niceness for suite in arranged)
    assert slow < quick == between < library == command
    assert workflow.arrange([], []) == []
