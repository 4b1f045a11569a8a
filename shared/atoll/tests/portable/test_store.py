import hashlib
import itertools
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
from datetime import datetime, timezone
from pathlib import Path
from uuid import uuid4

import pytest

from atoll import UserError
from atoll.store import Slot, Store
from atoll.verification import find_faults

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
    assert artefact.slot == SLOT
    assert store.get(SLOT) == artefact
    assert store.get(SLOT).manifest.rows == 3
    assert store.read_version(artefact.folder) == artefact
    assert get(store) == b"content"


def test_what_the_store_knows_is_in_the_manifest(store):
    before = datetime.now(timezone.utc)
    manifest = put(store, b"content", Slot("full", ("toy", "prices"), "2013-03-01"), run_id="x").manifest
    assert (manifest.asset, manifest.partition, manifest.profile) == ("toy/prices", "2013-03-01", "full")
    assert (manifest.file, manifest.size, manifest.run_id) == ("data.bin", 7, "x")
    assert manifest.checksum == manifest.data_version == hashlib.sha256(b"content").hexdigest()
    assert manifest.code_version == "unversioned"
    assert before <= manifest.created <= datetime.now(timezone.utc)


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
    assert Slot.parse(slot.path) == slot


def test_the_layout_can_be_read_by_people(tmp_path):
    store = Store(str(tmp_path))
    artefact = put(store, b"x", Slot("full", ("toy", "prices"), "2013-03-01"))
    moment = artefact.manifest.created
    slot, version, day, name, file = re.fullmatch(
        r"(full/toy/prices/2013-03-01)/([^/]+)/(\d{4}/\d\d/\d\d)/([^/]+)/(.+)", artefact.path
    ).groups()
    assert (version, day, file) == ("unversioned", f"{moment:%Y/%m/%d}", "data.bin")
    assert re.fullmatch(re.escape(f"{moment:%Y-%m-%dT%H%M%S.%fZ}") + "-[0-9a-f]{8}", name)
    assert store.locate(artefact.path) == str(tmp_path / artefact.path)
    manifest = json.loads((tmp_path / artefact.folder / "manifest.json").read_text())
    assert manifest["asset"] == "toy/prices"
    assert json.loads((tmp_path / slot / "current.json").read_text()) == {"path": artefact.folder, "manifest": manifest}


def test_code_versions_have_folders_of_their_own(tmp_path):
    store = Store(str(tmp_path))
    first, second = (put(store, b"x", code_version=version) for version in ("v1", "feature/x"))
    assert first.folder.startswith("sample/toy/prices/all/v1/")
    assert second.folder.startswith("sample/toy/prices/all/feature%2Fx/")


@pytest.mark.parametrize("name", ["manifest.json", "current.json"])
def test_a_file_cannot_have_a_name_of_the_stores_own(store, name):
    with pytest.raises(UserError, match=f"The file {name} cannot be stored under that name"):
        store.put(SLOT, name, lambda path: path.write_bytes(b"x"), {})


SLOTS = [
    Slot("full", ("toy", "prices")),
    Slot("sample", ("toy",)),
    Slot("sample", ("toy", "prices")),
    Slot("sample", ("toy", "prices"), "2013-03-01"),
    Slot("sample", ("toy", "prices", "all")),
    Slot("sample", ("toy", "prices.all"), "all"),
    Slot("sample", ("toys", "prices"), "a/b"),
]


def test_what_is_current_is_listed(store):
    assert list(store.list_current()) == []
    put(store, b"old")
    artefacts = {slot: put(store, b"new", slot) for slot in SLOTS}
    listed = list(store.list_current())
    assert len(listed) == len(SLOTS)
    assert {artefact.slot: artefact for artefact in listed} == artefacts


@pytest.mark.parametrize(
    ("prefix", "profile", "expected"),
    [
        ("toy", None, SLOTS[:6]),
        ("toy/", "full", SLOTS[:1]),
        ("toy/prices", "sample", SLOTS[2:5]),
        ("toy/prices/all", None, SLOTS[4:5]),
        ("toys/prices", None, SLOTS[6:]),
        ("toy/price", None, []),
        ("nothing", None, []),
    ],
)
def test_a_listing_is_by_the_first_parts_of_keys_and_by_profile(store, prefix, profile, expected):
    for slot in SLOTS:
        put(store, b"x", slot)
    assert {artefact.slot for artefact in store.list_current(prefix, profile)} == set(expected)


def test_all_versions_are_listed_the_newest_first(store):
    put(store, b"other", Slot("sample", ("toy", "prices"), "2013-03-01"))
    versions = [put(store, content) for content in (b"1", b"2", b"3")]
    assert store.list_versions(SLOT) == versions[::-1]


@pytest.mark.parametrize("content", ["", "[]", '{"path": 1}', '{"path": "x", "size": 1, "facts": {}}'])
def test_a_damaged_pointer_is_explained(tmp_path, content):
    store = Store(str(tmp_path))
    put(store, b"x")
    pointer = tmp_path / SLOT.path / "current.json"
    pointer.unlink()
    pointer.write_text(content)
    for read in (lambda: store.get(SLOT), lambda: list(store.list_current())):
        with pytest.raises(UserError) as caught:
            read()
        assert caught.value.what == "toy/prices cannot be looked up in the store."
        assert caught.value.why.startswith(f"The pointer {pointer} is damaged: ")
        assert caught.value.how == "Make it again: ./atoll run toy --select prices"


def test_a_stored_file_cannot_be_written_to_by_accident(tmp_path):
    store = Store(str(tmp_path))
    artefact = put(store, b"x")
    for path in (artefact.path, f"{artefact.folder}/manifest.json", f"{SLOT.path}/current.json"):
        assert (tmp_path / path).stat().st_mode & 0o222 == 0


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
from atoll.store import Slot, Store
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
from atoll.store import Slot, Store
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
