from pathlib import Path

import pytest

from atoll_control.errors import UserError
from atoll_control.files import find_checkout, write_atomically


def test_writing_replaces_the_file_and_leaves_nothing_else(tmp_path):
    target = tmp_path / "folder" / "file.txt"
    write_atomically(target, "old")
    write_atomically(target, "new")
    assert target.read_text() == "new"
    assert list(target.parent.iterdir()) == [target]


def test_a_failed_write_keeps_the_old_file_and_says_how_to_mend_it(tmp_path):
    target = tmp_path / "file.txt"
    write_atomically(target, "old")
    with pytest.raises(UnicodeEncodeError):
        write_atomically(target, "\ud800")
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]
    with pytest.raises(UserError) as refusal:
        write_atomically(Path("/proc/nowhere/file.txt"), "new")
    assert refusal.value.what == "/proc/nowhere/file.txt cannot be written."
    assert "./atoll doctor" in refusal.value.how


def test_the_checkout_is_the_one_that_the_wrapper_names(checkout, monkeypatch):
    monkeypatch.setenv("ATOLL_ROOT", str(checkout.root))
    assert find_checkout() == checkout


def test_a_folder_that_is_no_checkout_is_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("ATOLL_ROOT", str(tmp_path))
    with pytest.raises(UserError) as refusal:
        find_checkout()
    assert "is not a checkout" in refusal.value.what
