import signal
import sys
from pathlib import Path

import pytest
from locks import write_lock

from atoll_control.files import Checkout
from atoll_control.projects import discover_projects
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
    for each in (folder, checkout.library):
        write_lock(each, pandas="3.1.1")
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


def test_what_the_library_is_tried_with_is_tried_once(checkout, add_project):
    """Only what the library takes counts, and of that every version."""
    write_lock(checkout.library, pandas="3.1.1", numpy="2.5.5")
    pins = {
        "cars": {"pandas": "3.1.1", "gensim": "4.4.0"},
        "ships": {"pandas": "2.3.3"},
        "trips": {"pandas": "3.1.1"},
        "walks": {"pandas": "3.1.1", "numpy": "2.5.5"},
    }
    for name, versions in pins.items():
        folder = add_project(name)
        (folder / "tests").mkdir()
        write_lock(folder, **versions)
    found = [suite.name for suite in workflow.project_suites(checkout, discover_projects(checkout))]
    assert found == [*pins, "atoll in cars, trips", "atoll in ships", "atoll in walks"]
