import json
from pathlib import Path

import pytest

from atoll import UserError
from atoll.storage.store import Slot, Store
from atoll.storage.verification import find_faults

SLOT = Slot("sample", ("toy", "prices"), "2013-03-01")
CURE = (
    "Put a copy from a backup in its place, or make it again and remove this one: "
    "./atoll run toy --select prices --partition 2013-03-01"
)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(str(tmp_path))


def put(store: Store, content: bytes = b"content", slot: Slot = SLOT):
    return store.put(slot, "data.bin", lambda path: path.write_bytes(content), {})


def overwrite(path: Path, content: bytes) -> None:
    path.chmod(0o644)
    path.write_bytes(content)


def test_what_is_whole_has_no_fault(store):
    for content in (b"old", b"new"):
        put(store, content)
        put(store, content, Slot("full", ("toy", "model")))
    store.probe()
    assert list(find_faults(store)) == []


def test_a_flipped_bit_is_found_in_current_and_in_earlier_versions(store, tmp_path):
    artefacts = [put(store), put(store), put(store, slot=Slot("sample", ("toys", "x")))]
    for artefact in artefacts:
        overwrite(tmp_path / artefact.path, b"conteNt")
    faults = list(find_faults(store, "toy/prices"))
    assert [fault.path for fault in faults] == [str(tmp_path / artefact.path) for artefact in artefacts[:2]]
    assert {fault.what for fault in faults} == {"Its content is not what was written."}
    assert {fault.how for fault in faults} == {CURE}
    assert not any(fault.leftover for fault in faults)
    assert len(list(find_faults(store))) == 3


def test_a_file_that_was_cut_is_found(store, tmp_path):
    artefact = put(store)
    overwrite(tmp_path / artefact.path, b"cont")
    (fault,) = find_faults(store)
    assert fault.what == "It has 4 bytes, and 7 were written."


def test_a_file_that_is_gone_is_found(store, tmp_path):
    artefact = put(store)
    (tmp_path / artefact.path).unlink()
    (fault,) = find_faults(store)
    assert (fault.path, fault.what) == (str(tmp_path / artefact.path), "It is gone; its manifest is there.")


def test_a_manifest_that_does_not_parse_is_found(store, tmp_path):
    manifest = tmp_path / put(store).folder / "manifest.json"
    put(store)
    overwrite(manifest, b'{"asset": "toy/prices"}')
    (fault,) = find_faults(store)
    assert fault.path == str(manifest)
    assert fault.what == f"The manifest {manifest} is damaged: partition: Field required."


def test_a_manifest_of_another_place_is_found(store, tmp_path):
    folder = tmp_path / put(store).folder
    put(store)
    manifest = json.loads((folder / "manifest.json").read_text())
    overwrite(folder / "manifest.json", json.dumps({**manifest, "partition": "2013-03-08"}).encode())
    (fault,) = find_faults(store)
    assert (fault.path, fault.what) == (str(folder / "manifest.json"), "It is the manifest of another place.")


def test_a_pointer_that_does_not_parse_is_found(store, tmp_path):
    put(store)
    pointer = tmp_path / SLOT.path / "current.json"
    overwrite(pointer, b"{")
    (fault,) = find_faults(store)
    assert fault.path == str(pointer)
    assert fault.what.startswith(f"The pointer {pointer} is damaged: ")
    assert fault.how == "Make it again: ./atoll run toy --select prices --partition 2013-03-01"


def test_a_pointer_to_nothing_is_found(store, tmp_path):
    artefact = put(store)
    (tmp_path / artefact.folder).rename(tmp_path / "away")
    (fault,) = find_faults(store)
    assert fault.path == str(tmp_path / SLOT.path / "current.json")
    assert fault.what == f"It names {tmp_path / artefact.folder}, where there is no artefact."


def test_a_pointer_that_differs_from_the_manifest_is_found(store, tmp_path):
    put(store)
    pointer = tmp_path / SLOT.path / "current.json"
    overwrite(pointer, pointer.read_bytes().replace(b'"size": 7', b'"size": 8'))
    (fault,) = find_faults(store)
    assert (fault.path, fault.what) == (str(pointer), "It differs from the manifest of the artefact that it names.")


def test_what_a_killed_writer_left_is_named_and_is_no_fault(store, tmp_path):
    folder = tmp_path / put(store).folder
    put(store)
    (folder / "manifest.json").unlink()
    (tmp_path / SLOT.path / ".current.json.1234").write_bytes(b"half")
    (folder.parent / "x").mkdir()
    (folder.parent / "x" / ".manifest.json.1234").write_bytes(b"half")
    leftovers = list(find_faults(store))
    assert all(fault.leftover for fault in leftovers)
    assert {fault.path for fault in leftovers} == {
        str(folder),
        str(tmp_path / SLOT.path / ".current.json.1234"),
        str(folder.parent / "x"),
        str(folder.parent / "x" / ".manifest.json.1234"),
    }
    assert {fault.how for fault in leftovers} == {"Remove it, unless a run is writing there now."}


def test_a_store_that_cannot_be_read_is_no_fault_but_an_error(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="cannot be read"):
        list(find_faults(Store(str(tmp_path / "file"))))


def test_a_store_that_was_never_written_has_no_fault(tmp_path):
    assert list(find_faults(Store(str(tmp_path / "nothing")))) == []
