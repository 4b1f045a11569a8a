import hashlib
import json
import re
from datetime import datetime, timezone
from pathlib import Path
from uuid import uuid4

import pytest

from atoll import UserError
from atoll.storage.store import Slot, Store

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
        "from atoll.storage.store import Store, Slot\n"
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
