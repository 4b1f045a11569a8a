"""Whether the store still holds what was written."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import PurePosixPath

from atoll.errors import UserError
from atoll.storage.filesystems import hash_file
from atoll.storage.store import MANIFEST, POINTER, Artefact, DamageError, Slot, Store

# Parts of the path of a slot, and of an artefact's folder.
SLOT, FOLDER = 4, 9


@dataclass(frozen=True)
class Fault:
    """One thing in the store that is not as it was written.

    ``path`` is the file or folder, for people; ``leftover`` means that nothing is lost: a writer was killed there, or
    is at work there now.
    """

    path: str
    what: str
    how: str
    leftover: bool = False


def find_faults(store: Store, prefix: str = "") -> Iterator[Fault]:
    """Read everything, the versions that are not current too, and compare it with manifests and pointers.

    Args:
        store: What to look at.
        prefix: The first parts of an asset key; of all profiles.

    Raises:
        UserError: The store cannot be read.
    """
    by_slot = groupby(map(PurePosixPath, store.list_files(prefix)), lambda path: path.parts[:SLOT])
    for parts, paths in by_slot:
        yield from _look_at_slot(store, Slot.parse("/".join(parts)), paths)


def _look_at_slot(store: Store, slot: Slot, paths: Iterable[PurePosixPath]) -> Iterator[Fault]:
    for folder, files in groupby(paths, lambda path: path.parent):
        names = {path.name for path in files}
        for name in sorted(names):
            if name.startswith((f".{POINTER}.", f".{MANIFEST}.")):
                yield _leftover(store, f"{folder}/{name}", "A draft that was never put in its place.")
        if len(folder.parts) == SLOT and POINTER in names:
            yield from _look_at_pointer(store, slot)
        elif len(folder.parts) == FOLDER and MANIFEST in names:
            yield from _look_at_artefact(store, slot, str(folder))
        elif len(folder.parts) != SLOT:
            yield _leftover(store, str(folder), "It has no manifest: it was never finished, and nothing reads it.")


def _leftover(store: Store, path: str, what: str) -> Fault:
    return Fault(store.locate(path), what, "Remove it, unless a run is writing there now.", leftover=True)


def _look_at_pointer(store: Store, slot: Slot) -> Iterator[Fault]:
    place = store.locate(f"{slot.path}/{POINTER}")
    try:
        current = store.get(slot)
        found = current and store.read_version(current.folder)
    except DamageError as error:
        yield Fault(place, error.why, error.how)
        return
    if current is not None and found is None:
        yield Fault(place, f"It names {store.locate(current.folder)}, where there is no artefact.", _make(slot))
    elif current != found:
        yield Fault(place, "It differs from the manifest of the artefact that it names.", _make(slot))


def _look_at_artefact(store: Store, slot: Slot, folder: str) -> Iterator[Fault]:
    try:
        artefact = store.read_version(folder)
    except DamageError as error:
        yield Fault(store.locate(f"{folder}/{MANIFEST}"), error.why, error.how)
        return
    if artefact is None:
        return
    manifest = artefact.manifest
    if (manifest.profile, manifest.asset, manifest.partition) != (slot.profile, slot.key, slot.partition):
        yield Fault(store.locate(f"{folder}/{MANIFEST}"), "It is the manifest of another place.", _make(slot))
    elif what := _compare(store, artefact):
        yield Fault(store.locate(artefact.path), what, _make(slot))


def _compare(store: Store, artefact: Artefact) -> str | None:
    """Say how the file differs from what was written, if it does."""
    try:
        with store.open(artefact) as path:
            size, checksum = path.stat().st_size, hash_file(path)
    except UserError as error:
        if not isinstance(error.__cause__, FileNotFoundError):
            raise
        return "It is gone; its manifest is there."
    if size != artefact.size:
        return f"It has {size} bytes, and {artefact.size} were written."
    return None if checksum == artefact.manifest.checksum else "Its content is not what was written."


def _make(slot: Slot) -> str:
    return f"Put a copy from a backup in its place, or make it again and remove this one: {slot.command}"
