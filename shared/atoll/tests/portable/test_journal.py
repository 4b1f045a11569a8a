import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from atoll import UserError
from atoll.storage.journal import Journal

KILLED = """
import os, signal, sys
from pathlib import Path
from atoll.storage.journal import Journal
setattr(Path, sys.argv[2], lambda *_, **__: os.kill(os.getpid(), signal.SIGKILL))
Journal(sys.argv[1]).add("decisions/0001.json", b"{}")
"""


@pytest.fixture
def journal(tmp_path):
    return Journal(str(tmp_path))


def test_a_document_is_written_once(journal):
    assert journal.add("decisions/0001.json", b"first")
    assert not journal.add("decisions/0001.json", b"second")
    assert journal.read("decisions/0001.json") == b"first"
    assert journal.read("decisions/0002.json") is None


def test_of_two_writers_one_is_told_that_it_was_the_other(journal):
    with ThreadPoolExecutor(8) as pool:
        told = list(pool.map(lambda number: journal.add("one.json", str(number).encode()), range(8)))
    assert told.count(True) == 1
    assert journal.read("one.json") == str(told.index(True)).encode()


def test_paths_are_listed_in_order(journal):
    for path in ("b/2.json", "b/1.json", "a.json"):
        journal.add(path, b"")
    assert list(journal.list_paths("b")) == ["b/1.json", "b/2.json"]
    assert list(journal.list_paths("c")) == []


def test_what_is_moved_is_there_once_however_often(journal):
    journal.add("pending/1.json", b"{}")
    for _ in range(2):
        journal.move("pending/1.json", "sent/1.json")
    assert journal.read("sent/1.json") == b"{}"
    assert list(journal.list_paths("pending")) == []


@pytest.mark.parametrize("call", ["write_bytes", "hardlink_to", "unlink"])
def test_a_killed_writer_leaves_all_or_nothing(tmp_path, journal, call):
    killed = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path), call])
    assert killed.returncode == -signal.SIGKILL
    assert list(journal.list_paths("decisions")) == (["decisions/0001.json"] if call == "unlink" else [])
    assert journal.add("decisions/0001.json", b"{}") == (call != "unlink")


def test_a_store_that_cannot_be_written_is_explained(tmp_path):
    (tmp_path / "store").write_text("a file")
    with pytest.raises(UserError) as caught:
        Journal(str(tmp_path / "store")).add("one.json", b"{}")
    assert str(tmp_path / "store") in f"{caught.value.what} {caught.value.why}"
