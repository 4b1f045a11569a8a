"""A store that is killed, full, in the way, read-only or gone: the reader sees the old or the new, whole."""

import hashlib
import itertools
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from atoll import UserError
from atoll.storage.store import Slot, Store
from atoll.storage.verification import find_faults

SLOT = Slot("sample", ("toy", "prices"))


def put(store: Store, content: bytes, slot: Slot = SLOT, **facts):
    return store.put(slot, "data.bin", lambda path: path.write_bytes(content), facts)


def get(store: Store, slot: Slot = SLOT) -> bytes:
    artefact = store.get(slot)
    assert artefact is not None
    with store.open(artefact) as path:
        return path.read_bytes()


WATCHED = {"open", "os.mkdir", "os.chmod", "os.rename", "os.remove", "halfway"}


def put_and_die(folder: Path, moment: int) -> int:
    """Put a value in a process that is killed before its file system call of this number; return how it ended."""
    process = os.fork()
    if process:
        return os.waitpid(process, 0)[1]
    calls = itertools.count()

    def watch(event: str, arguments: tuple) -> None:
        if event in WATCHED and (event == "halfway" or str(folder) in str(arguments[0])) and next(calls) == moment:
            os.kill(os.getpid(), signal.SIGKILL)

    def write(path: Path) -> None:
        path.write_bytes(b"half of the new va")
        sys.audit("halfway")
        path.write_bytes(b"the new value")

    sys.addaudithook(watch)
    Store(str(folder)).put(SLOT, "data.bin", write, {})
    os._exit(0)


def test_whenever_a_writer_is_killed_the_reader_gets_the_old_value_or_the_new_whole(tmp_path):
    seen, ends = [], []
    for moment in range(100):
        folder = tmp_path / str(moment)
        store = Store(str(folder))
        put(store, b"old")
        ends.append(put_and_die(folder, moment))
        seen.append(get(store))
        faults = list(find_faults(store))
        assert all(fault.leftover for fault in faults), faults
        put(store, b"next")
        assert get(store) == b"next"
        if ends[-1] == 0:
            break
    assert len(seen) > 10
    assert ends == [signal.SIGKILL] * (len(ends) - 1) + [0]
    assert seen[0] == b"old"
    assert seen[-1] == b"the new value"
    assert sorted(set(seen), key=seen.index) == [b"old", b"the new value"]


WRITER = """
import sys
from atoll.storage.store import Slot, Store
for number in range(40):
    content = f"{sys.argv[2]}{number}".encode() * 1000
    slot, facts = Slot("sample", ("toy", "prices")), {"run_id": sys.argv[2]}
    Store(sys.argv[1]).put(slot, "data.bin", lambda path: path.write_bytes(content), facts)
"""


def test_readers_and_writers_at_once_see_whole_values_only(tmp_path):
    store = Store(str(tmp_path))
    put(store, b"start")
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path), name]) for name in "ab"]
    seen = set()
    while any(writer.poll() is None for writer in writers):
        artefact = store.get(SLOT)
        with store.open(artefact) as path:
            content = path.read_bytes()
        assert hashlib.sha256(content).hexdigest() == artefact.manifest.checksum
        assert content.startswith((artefact.manifest.run_id or "start").encode())
        seen.add(content)
    assert [writer.returncode for writer in writers] == [0, 0]
    assert len(seen) > 2
    assert len(store.list_versions(SLOT)) == 81
    assert list(find_faults(store)) == []


def test_a_file_in_the_way_is_explained(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(UserError) as caught:
        put(Store(str(tmp_path / "file")), b"x")
    lines = str(caught.value).splitlines()
    assert lines[0] == f"The store {tmp_path / 'file'} cannot be written."
    assert "Not a directory" in lines[1]
    assert lines[2] == (
        "See that it exists, has room and may be used by this user, or set `store` (ATOLL_STORE) to another place."
    )


def test_a_place_where_nothing_can_be_made_is_explained():
    with pytest.raises(UserError, match=r"The store /proc/atoll cannot be written\."):
        put(Store("/proc/atoll"), b"x")


def test_a_store_that_cannot_be_read_is_explained(tmp_path):
    put(Store(str(tmp_path)), b"x")
    pointer = tmp_path / SLOT.path / "current.json"
    pointer.unlink()
    pointer.mkdir()
    with pytest.raises(UserError, match=f"The store {tmp_path} cannot be read\\.\nIsADirectoryError: "):
        Store(str(tmp_path)).get(SLOT)


def test_an_artefact_that_somebody_removed_is_explained(tmp_path):
    store = Store(str(tmp_path))
    artefact = put(store, b"x")
    (tmp_path / artefact.path).unlink()
    with pytest.raises(UserError, match="cannot be read\\.\nFileNotFoundError: "):
        get(store)


FULL = """
import resource, signal, sys
from atoll import UserError
from atoll.storage.store import Slot, Store
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), int(sys.argv[2])))
try:
    Store(sys.argv[1]).put(Slot("sample", ("toy", "prices")), "data.bin", lambda path: path.write_bytes(b"x" * 100), {})
except UserError as error:
    print(error)
"""


@pytest.mark.parametrize("file", ["data.bin", "manifest.json", "current.json"])
def test_without_room_the_old_value_stays_and_the_reason_is_told(tmp_path, file, run_python):
    store = Store(str(tmp_path / "store"))
    old = put(store, b"x" * 100)
    folder = tmp_path / "store" / (SLOT.path if file == "current.json" else old.folder)
    done = run_python("-c", FULL, str(tmp_path / "store"), str((folder / file).stat().st_size - 1))
    assert done.stdout.splitlines()[0] == f"The store {tmp_path / 'store'} cannot be written."
    assert "File too large" in done.stdout.splitlines()[1]
    assert store.get(SLOT) == old
    assert list(find_faults(store)) == []
    assert len(store.list_versions(SLOT)) == (2 if file == "current.json" else 1)


def in_a_process_without_privileges(do) -> str:
    """Run it in a process that modes of files apply to, also where root runs the tests; return what went wrong."""
    reader, writer = os.pipe()
    process = os.fork()
    if not process:
        if os.geteuid() == 0:
            os.setuid(65534)
        try:
            do()
        except UserError as error:
            os.write(writer, str(error).encode())
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as text:
        printed = text.read()
    assert os.waitpid(process, 0)[1] == 0
    return printed


def test_a_store_that_may_only_be_read_is_explained_and_can_be_read():
    with tempfile.TemporaryDirectory() as folder:
        store = Store(f"{folder}/store")
        put(store, b"old")
        folders = [path for path in Path(folder).rglob("*") if path.is_dir()]
        for path in [Path(folder), *folders]:
            path.chmod(0o555)
        try:
            told = in_a_process_without_privileges(lambda: put(store, b"new"))
            read = in_a_process_without_privileges(lambda: get(store))
        finally:
            for path in [Path(folder), *folders]:
                path.chmod(0o755)
        assert told.splitlines()[0] == f"The store {folder}/store cannot be written."
        assert "PermissionError" in told.splitlines()[1]
        assert len(told.splitlines()) == 3
        assert read == ""
        assert get(store) == b"old"
        assert list(find_faults(store)) == []
