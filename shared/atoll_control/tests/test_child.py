import json
import os
import signal
import sys
from pathlib import Path

import pytest

from atoll_control.child import Child, end_leftover, last_error, read_record
from atoll_control.process import start_time

# Starts a child of its own in its group, which says its number and goes on whatever becomes of the first.
LEADER = """
import subprocess, sys, time
subprocess.Popen([sys.executable, "-c", "import os, time; print(os.getpid(), flush=True); time.sleep(60)"])
time.sleep(60)
"""


def start(folder: Path, program: str) -> Child:
    return Child(
        [sys.executable, "-c", program],
        cwd=folder,
        env=dict(os.environ),
        log=folder / "logs" / "child.log",
        record=folder / "child.json",
        address="http://x",
    )


def wait_for_end(child: Child) -> int:
    while (code := child.exit_code()) is None:
        pass
    return code


def test_the_log_keeps_what_was_said_before_and_each_child_knows_its_own(tmp_path):
    first = start(tmp_path, "print('first')")
    assert wait_for_end(first) == 0
    second = start(tmp_path, "import sys; print('second', file=sys.stderr); sys.exit(3)")
    assert wait_for_end(second) == 3
    assert second.said() == "second\n"
    assert (tmp_path / "logs" / "child.log").read_text() == "first\nsecond\n"


def test_the_record_stands_as_long_as_the_child(tmp_path):
    record = tmp_path / "child.json"
    child = start(tmp_path, "import time; time.sleep(60)")
    written = read_record(record, "address")
    assert written is not None
    assert written["address"] == "http://x"
    child.end(20)
    assert child.exit_code() is not None
    assert read_record(record) is None


def test_what_a_killed_leader_leaves_is_ended_with_it(tmp_path):
    child = start(tmp_path, LEADER)
    while not child.said():
        pass
    leader = int(json.loads((tmp_path / "child.json").read_text())["process"].partition(":")[0])
    os.kill(leader, signal.SIGKILL)
    assert wait_for_end(child) == -signal.SIGKILL
    worker = int(child.said())
    assert start_time(worker) is not None
    child.end(20)
    assert start_time(worker) is None


def test_a_leftover_is_found_by_its_record(tmp_path):
    child = start(tmp_path, "import time; time.sleep(60)")
    record = tmp_path / "child.json"
    assert end_leftover(record, patience=20)
    assert child.exit_code() is not None
    assert not record.exists()
    assert not end_leftover(record, patience=20)


def test_a_record_without_what_is_asked_for_says_nothing(tmp_path):
    (tmp_path / "child.json").write_text('{"process": "1:1"}')
    assert read_record(tmp_path / "child.json") == {"process": "1:1"}
    assert read_record(tmp_path / "child.json", "address") is None


@pytest.mark.parametrize(
    ("said", "error"),
    [
        ("started\nended\n", ""),
        ("ValueError: one\n  a.b.OtherError: two\nno Error: here\n", "a.b.OtherError: two"),
    ],
)
def test_the_last_error_is_the_last_line_that_names_one(said, error):
    assert last_error(said) == error
