import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from uuid import uuid4

import pytest

from atoll import UserError
from atoll.store import Slot, Store

SLOT = Slot("sample", ("toy", "prices"))


@pytest.fixture(params=["folder", "file", "memory"])
def store(request, tmp_path) -> Store:
    urls = {"folder": str(tmp_path / "store"), "file": f"file://{tmp_path}/store", "memory": f"memory://{uuid4().hex}"}
    return Store(urls[request.param])


def put(store: Store, content: bytes, slot: Slot = SLOT, **facts):
    return store.put(slot, "data.bin", lambda path: path.write_bytes(content), facts)


def get(store: Store, slot: Slot = SLOT) -> bytes:
    artefact = store.get(slot)
    assert artefact is not None
    with store.open(artefact) as path:
        return path.read_bytes()


def test_what_is_put_can_be_got(store):
    artefact = put(store, b"content", rows=3)
    assert artefact.size == 7
    assert store.get(SLOT) == artefact
    assert store.get(SLOT).facts == {"rows": 3}
    assert get(store) == b"content"


def test_nothing_is_got_where_nothing_was_put(store):
    assert store.get(SLOT) is None


def test_the_last_one_put_is_current_and_earlier_ones_stay_as_they_were(store):
    first = put(store, b"first")
    second = put(store, b"second")
    assert store.get(SLOT) == second
    with store.open(first) as path:
        assert path.read_bytes() == b"first"


def test_slots_do_not_mix(store):
    slots = [
        Slot("sample", ("toy", "prices")),
        Slot("full", ("toy", "prices")),
        Slot("sample", ("toy", "prices", "all")),
        Slot("sample", ("toy", "prices"), "2013-03-01"),
        Slot("sample", ("toy", "prices"), "2013-03-08"),
        Slot("sample", ("toy",), "prices"),
        Slot("sample", ("toy", "prices"), "a/b"),
        Slot("sample", ("toy", "prices", "a"), "b"),
    ]
    for slot in slots:
        put(store, repr(slot).encode(), slot)
    assert [get(store, slot) for slot in slots] == [repr(slot).encode() for slot in slots]


@pytest.mark.parametrize(
    "partition", ["..", ".", "../../x", "a|b", "2013-03-01 10:00:00", "ä?#%*", "current.json", "-"]
)
def test_a_partitions_key_may_be_any_text(store, partition):
    slot = Slot("sample", ("toy", "prices"), partition)
    put(store, b"content", slot)
    assert get(store, slot) == b"content"
    assert store.get(SLOT) is None
    assert ".." not in slot.path.split("/")
    assert slot.path.count("/") == 3


def test_the_layout_can_be_read_by_people(tmp_path):
    store = Store(str(tmp_path))
    artefact = put(store, b"x", Slot("full", ("toy", "prices"), "2013-03-01"))
    *folders, version, name = artefact.path.split("/")
    assert folders == ["full", "toy", "prices", "2013-03-01"]
    assert version[:4].isdigit()
    assert version[10] == "T"
    assert name == "data.bin"
    assert store.locate(artefact) == str(tmp_path / artefact.path)
    pointer = json.loads((tmp_path / "full/toy/prices/2013-03-01/current.json").read_text())
    assert pointer == {"path": artefact.path, "size": 1, "facts": {}}


def test_a_stored_file_cannot_be_written_to_by_accident(tmp_path):
    store = Store(str(tmp_path))
    artefact = put(store, b"x")
    assert (tmp_path / artefact.path).stat().st_mode & 0o222 == 0


def test_a_file_to_keep_outlives_the_context_and_is_gone_with_the_process(run_python, tmp_path):
    (tmp_path / "keep.py").write_text(
        "from atoll.store import Store, Slot\n"
        "store = Store('memory://x')\n"
        "slot = Slot('sample', ('toy', 'model'))\n"
        "artefact = store.put(slot, 'model.bin', lambda path: path.write_bytes(b'weights'), {})\n"
        "with store.open(artefact, keep=True) as path:\n    pass\n"
        "with store.open(artefact) as other:\n    pass\n"
        "print(path.read_bytes(), path.name, other.exists())\n"
        "print(path)\n"
    )
    done = run_python("keep.py")
    first, path = done.stdout.splitlines()
    assert first == "b'weights' model.bin False"
    assert not Path(path).exists()


def test_a_failed_write_leaves_the_old_value_and_no_rest(tmp_path):
    store = Store(str(tmp_path))
    put(store, b"old")
    before = sorted(tmp_path.rglob("*"))

    def fail(path: Path) -> None:
        path.write_bytes(b"half")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        store.put(SLOT, "data.bin", fail, {})
    assert get(store) == b"old"
    assert sorted(tmp_path.rglob("*")) == before


KILLED = """
import sys, time
from pathlib import Path
from atoll.store import Slot, Store

def wait(*_):
    print("waiting", flush=True)
    time.sleep(600)

def write(path):
    path.write_bytes(b"half of the new va")
    if sys.argv[2] == "content":
        wait()

if sys.argv[2] == "pointer":
    Path.replace = wait
Store(sys.argv[1]).put(Slot("sample", ("toy", "prices")), "data.bin", write, {})
"""


@pytest.mark.parametrize("moment", ["content", "pointer"])
def test_after_a_writer_was_killed_the_reader_still_gets_the_old_value(tmp_path, moment):
    store = Store(str(tmp_path / "store"))
    put(store, b"old")
    writer = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(tmp_path / "store"), moment], stdout=subprocess.PIPE, text=True
    )
    assert writer.stdout is not None
    with writer.stdout:
        assert writer.stdout.readline() == "waiting\n"
        os.kill(writer.pid, signal.SIGKILL)
        assert writer.wait() == -signal.SIGKILL
    assert len(list((tmp_path / "store").rglob("data.bin"))) == 2
    assert get(store) == b"old"
    put(store, b"new")
    assert get(store) == b"new"


WRITER = """
import sys
from atoll.store import Slot, Store
for number in range(40):
    content = f"{sys.argv[2]}{number}".encode() * 1000
    slot, facts = Slot("sample", ("toy", "prices")), {"content": content[:6].decode()}
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
        assert len(content) == artefact.size
        assert content.startswith(artefact.facts.get("content", "start").encode()[:2])
        seen.add(content)
    assert [writer.returncode for writer in writers] == [0, 0]
    assert len(seen) > 2
    assert len(list(tmp_path.rglob("data.bin"))) == 81
    assert not list(tmp_path.rglob(".current*"))


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
from atoll.store import Slot, Store
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), int(sys.argv[2])))
slot, facts = Slot("sample", ("toy", "prices")), {"note": "x" * 200}
try:
    Store(sys.argv[1]).put(slot, "data.bin", lambda path: path.write_bytes(b"x" * 100), facts)
except UserError as error:
    print(error)
"""


@pytest.mark.parametrize("limit", [50, 110], ids=["content", "pointer"])
def test_without_room_the_old_value_stays_and_the_reason_is_told(tmp_path, limit, run_python):
    store = Store(str(tmp_path / "store"))
    put(store, b"old")
    done = run_python("-c", FULL, str(tmp_path / "store"), str(limit))
    assert done.stdout.splitlines()[0] == f"The store {tmp_path / 'store'} cannot be written."
    assert "File too large" in done.stdout.splitlines()[1]
    assert get(store) == b"old"
    assert not list((tmp_path / "store").rglob(".current*"))


@pytest.mark.parametrize(
    ("url", "why"), [("nonsense://x", "This kind of URL is unknown: "), ("abfs://bucket/x", "is not installed: ")]
)
def test_a_url_that_cannot_be_opened_is_explained(url, why):
    with pytest.raises(UserError) as caught:
        Store(url)
    assert caught.value.what == f"The store {url} cannot be opened."
    assert why in caught.value.why


def test_a_password_in_a_url_is_not_shown():
    with pytest.raises(UserError) as caught:
        Store("nonsense://ada:hunter2@host/store")
    assert caught.value.what == "The store nonsense://host/store cannot be opened."
    assert "hunter2" not in str(caught.value)
