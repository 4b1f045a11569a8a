import errno
import io
import json
import os
import stat
import zipfile
from pathlib import Path

import pytest

from atoll_control.backup import archive as module
from atoll_control.backup.archive import Archive, create, draft_of
from atoll_control.backup.manifest import FORMAT, Versions
from atoll_control.errors import UserError

VERSIONS = Versions(dagster="1.13.27", mlflow="3.17.2", postgresql=17, schemas={"dagster": "a1", "mlflow": None})
FACTS = {
    "environment": "staging",
    "moment": "2026-11-26T10:00:00Z",
    "frozen_seconds": 0.5,
    "commit": "c0ffee",
    "versions": VERSIONS,
    "store": None,
}
DUMP = bytes(range(256)) * 2


def write(path: Path, **facts) -> Path:
    with create(path) as backup:
        backup.copy("databases/dagster.dump", io.BytesIO(DUMP))
        backup.add("release.toml", b"images\n")
        backup.finish(**FACTS | facts)
    return path


@pytest.fixture
def backup(tmp_path) -> Path:
    return write(tmp_path / "staging.zip")


def refused(path: Path) -> str:
    with pytest.raises(UserError) as caught:
        Archive(path)
    return str(caught.value)


def test_what_was_written_is_read_and_other_programs_read_it_too(backup):
    with Archive(backup) as archive:
        assert archive.manifest.versions == VERSIONS
        assert archive.manifest.members.keys() == {"databases/dagster.dump", "release.toml"}
        assert archive.list("databases") == ["databases/dagster.dump"]
        assert archive.read("release.toml") == b"images\n"
        target = io.BytesIO()
        assert archive.copy("databases/dagster.dump", target).size == len(DUMP)
        assert target.getvalue() == DUMP
    with zipfile.ZipFile(backup) as foreign:
        assert foreign.testzip() is None
        assert json.loads(foreign.read("manifest.json"))["environment"] == "staging"
        assert {entry.compress_type for entry in foreign.infolist()} == {zipfile.ZIP_STORED}


def test_it_is_for_its_owner_alone_from_its_first_byte_on(tmp_path):
    path = tmp_path / "staging.zip"
    with create(path) as backup:
        assert stat.S_IMODE(draft_of(path).stat().st_mode) == 0o600
        assert not path.exists()
        backup.finish(**FACTS)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [entry.name for entry in tmp_path.iterdir()] == ["staging.zip"]


def test_one_flipped_byte_is_refused_wherever_it_is(backup):
    whole = backup.read_bytes()
    for position, byte in enumerate(whole):
        # In the checksum, a letter in the other case.
        flipped = byte ^ 0x20
        backup.write_bytes(whole[:position] + bytes([flipped]) + whole[position + 1 :])
        assert "is damaged" in (said := refused(backup)) or "is not a whole backup" in said, position
    backup.write_bytes(whole)
    Archive(backup)


def test_what_was_cut_off_or_grew_is_refused_wherever_that_was(backup):
    whole = backup.read_bytes()
    for length in [*range(0, len(whole), 10), *range(len(whole) - 100, len(whole))]:
        backup.write_bytes(whole[:length])
        refused(backup)
    for more in (b"\0", b"\n", whole[-1:]):
        backup.write_bytes(whole + more)
        assert "is not a whole backup" in refused(backup)


def test_a_file_of_another_kind_is_told_from_a_backup(tmp_path, backup):
    other = tmp_path / "other.zip"
    with zipfile.ZipFile(other, "w") as foreign:
        foreign.writestr("manifest.json", "{}")
    assert "is not a whole backup" in refused(other)
    assert "No such file" in refused(tmp_path / "none.zip")
    assert "Is a directory" in refused(tmp_path)
    # Sealed, but no backup.
    with create(tmp_path / "empty.zip"):
        pass
    assert "is not a backup" in refused(tmp_path / "empty.zip")


def test_a_backup_of_a_later_command_says_what_reads_it(tmp_path):
    said = refused(write(tmp_path / "later.zip", format=FORMAT + 1))
    assert f"the format {FORMAT + 1}" in said
    assert "check out the commit c0ffee" in said


def test_a_manifest_that_does_not_say_what_is_in_it_is_refused(tmp_path):
    with create(tmp_path / "a.zip") as backup:
        backup.finish(**FACTS)
        backup.add("more", b"")
    assert "other files than its manifest" in refused(tmp_path / "a.zip")


def test_a_member_that_changes_after_it_was_verified_is_noticed(backup):
    archive, whole = Archive(backup), backup.read_bytes()
    with backup.open("r+b") as file:
        file.seek(whole.index(DUMP) + 300)
        file.write(b"!")
    with pytest.raises(UserError) as caught:
        archive.copy("databases/dagster.dump", io.BytesIO())
    assert "databases/dagster.dump is no longer what it was" in caught.value.why


def test_a_file_that_is_there_is_not_written_over(backup):
    before = backup.read_bytes()
    with pytest.raises(UserError) as caught:
        write(backup)
    assert caught.value.why == "there is such a file already."
    assert backup.read_bytes() == before


@pytest.mark.parametrize("share", [0, 0.1, 0.3, 0.5, 0.7, 0.9, 0.99])
def test_a_full_disk_is_one_error_and_leaves_nothing(tmp_path, monkeypatch, backup, share):
    left = share * backup.stat().st_size
    backup.unlink()

    class Full(module._Sealed):
        def write(self, content: bytes) -> int:
            nonlocal left
            if len(content) > left:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            left -= len(content)
            return super().write(content)

    monkeypatch.setattr(module, "_Sealed", Full)
    with pytest.raises(UserError) as caught:
        write(tmp_path / "staging.zip")
    assert caught.value.why == "No space left on device (errno 28); what was written of it is removed again."
    assert "--to FILE" in caught.value.how
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError, UserError("a", "b", "c")])
def test_a_backup_that_is_given_up_leaves_nothing(tmp_path, error):
    with pytest.raises(error if isinstance(error, type) else UserError), create(tmp_path / "staging.zip") as backup:
        backup.add("a", b"b")
        raise error
    assert list(tmp_path.iterdir()) == []


def test_a_stream_that_fails_is_told_as_itself(tmp_path):
    class Broken(io.BytesIO):
        def read(self, *_):
            raise UserError("the dump failed.", "b", "c")

    with pytest.raises(UserError) as caught, create(tmp_path / "staging.zip") as backup:
        backup.copy("a", Broken())
    assert caught.value.what == "the dump failed."
    assert list(tmp_path.iterdir()) == []
