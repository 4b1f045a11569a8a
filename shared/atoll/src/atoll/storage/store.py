"""Artefacts under one URL: a folder, or any file system that fsspec knows, S3 among them."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timezone
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import quote, unquote
from uuid import uuid4

from atoll.errors import UserError
from atoll.storage.filesystems import open_filesystem, redact
from atoll.storage.manifest import (
    UNVERSIONED,
    Manifest,
    Pointer,
    read_manifest,
    read_pointer,
    write_manifest,
    write_pointer,
)

POINTER = "current.json"
MANIFEST = "manifest.json"
PROBE = ".probe.json"
ALL = "all"
NOTHING = "()"
# Slots that are looked up at a time.
BATCH = 1_000


class DamageError(UserError):
    """Something in the store is not what was written."""


@dataclass(frozen=True)
class Slot:
    """The place of one asset's artefacts: a profile, an asset key, and a partition where there is one."""

    profile: str
    asset: tuple[str, ...]
    partition: str | None = None

    @property
    def path(self) -> str:
        """Path below the store's URL: profile, location, the rest of the key joined by dots, partition or ``all``.

        What a file system would misread is percent-encoded, and what would make two slots one path.
        """
        location, *rest = (_encode(part) for part in self.asset)
        asset = ".".join(part.replace(".", "%2E") for part in rest) or NOTHING
        partition = "%61ll" if self.partition == ALL else _encode(self.partition) if self.partition else ALL
        return "/".join((_encode(self.profile), location, asset, partition))

    @classmethod
    def parse(cls, path: str) -> "Slot":
        """Slot that has this path."""
        profile, location, asset, partition = path.split("/")
        rest = () if asset == NOTHING else tuple(map(unquote, asset.split(".")))
        return cls(unquote(profile), (unquote(location), *rest), None if partition == ALL else unquote(partition))

    @property
    def key(self) -> str:
        """The asset key as people write it."""
        return "/".join(self.asset)

    @property
    def command(self) -> str:
        """The command that materializes it."""
        location, *asset = self.asset
        options = [f"--partition {self.partition}"] if self.partition else []
        options += ["--full"] if self.profile == "full" else []
        return " ".join([f"./atoll run {location} --select {'/'.join(asset)}", *options])

    def __str__(self) -> str:
        """Name the asset, and its partition if it has one."""
        return self.key + (f" [{self.partition}]" if self.partition else "")


@dataclass(frozen=True)
class Artefact:
    """One version of a value: path of its file below the store's URL, and what is known about it."""

    path: str
    manifest: Manifest

    @property
    def folder(self) -> str:
        """Path of the folder that it has for itself."""
        return self.path.rpartition("/")[0]

    @property
    def slot(self) -> Slot:
        """Where it belongs."""
        return Slot.parse("/".join(self.path.split("/")[:4]))

    @property
    def size(self) -> int:
        """Bytes."""
        return self.manifest.size


class Store:
    """Writes artefacts once and whole, and keeps one small pointer to the current artefact of each slot.

    An artefact gets a folder of its own below its slot, ``<code version>/<year>/<month>/<day>/<timestamp>-<random>``:
    first its file, then ``manifest.json``, which makes it exist; then the pointer is replaced in one step. So a reader
    sees the old or the new, two writers disturb nobody, and what a killed writer leaves behind is never pointed to.
    """

    def __init__(self, url: str) -> None:
        """Open the store; nothing is read or written yet.

        Args:
            url: A folder, or a URL such as ``s3://bucket/prefix``.

        Raises:
            UserError: No such kind of URL can be opened here.
        """
        self.url = redact(url)
        self._files = open_filesystem(url)

    def probe(self) -> None:
        """Write a small file and see that it is there.

        Raises:
            UserError: The store cannot be written or read.
        """
        self._files.replace(PROBE, b"{}")
        self._files.read(PROBE)

    def put(self, slot: Slot, name: str, write: Callable[[Path], None], facts: Mapping[str, Any]) -> Artefact:
        """Store a new artefact and make it the current one of its slot.

        Args:
            slot: Where it belongs.
            name: Its file's name.
            write: Writes its content to the local path it is given.
            facts: Fields of the manifest that the store does not know, looked at once the file is written; without a
                data version it is the checksum.

        Raises:
            UserError: The store cannot be written, or needs the file's name for itself.
        """
        if name in (POINTER, MANIFEST):
            raise UserError(
                f"The file {name} cannot be stored under that name.",
                "The store has a file of its own by that name beside it.",
                "Rename the file.",
            )
        now = datetime.now(timezone.utc)
        version = _encode(facts.get("code_version") or UNVERSIONED)
        folder = f"{slot.path}/{version}/{now:%Y/%m/%d}/{now:%Y-%m-%dT%H%M%S.%fZ}-{uuid4().hex[:8]}"
        path = f"{folder}/{name}"
        size, checksum = self._files.create(path, write)
        known: dict[str, Any] = {"data_version": checksum, **facts}
        manifest = Manifest(
            asset=slot.key,
            partition=slot.partition,
            profile=slot.profile,
            created=now,
            file=name,
            size=size,
            checksum=checksum,
            **known,
        )
        try:
            self._files.replace(f"{folder}/{MANIFEST}", write_manifest(manifest))
        except BaseException:
            self._files.remove(folder)
            raise
        self._files.replace(f"{slot.path}/{POINTER}", write_pointer(Pointer(folder, manifest)))
        return Artefact(path, manifest)

    def get(self, slot: Slot) -> Artefact | None:
        """Look up the current artefact of a slot; None where nothing was ever stored.

        Raises:
            UserError: The store cannot be read, or the slot's pointer is damaged.
        """
        return self._follow(slot, self._files.read(f"{slot.path}/{POINTER}"))

    def list_current(self, prefix: str = "", profile: str | None = None) -> Iterator[Artefact]:
        """Look up all current artefacts, by profile, key and partition.

        Args:
            prefix: The first parts of the key, such as ``aviation_data`` or ``aviation_data/flights``.
            profile: Only this one.

        Raises:
            UserError: The store cannot be read, or a pointer is damaged.
        """
        slots = iter(self.list_slots(prefix, profile))
        while batch := list(islice(slots, BATCH)):
            contents = self._files.read_all([f"{slot.path}/{POINTER}" for slot in batch])
            found = (self._follow(slot, content) for slot, content in zip(batch, contents, strict=True))
            yield from (artefact for artefact in found if artefact is not None)

    def list_slots(self, prefix: str = "", profile: str | None = None) -> Iterator[Slot]:
        """List the slots in which something was stored, or was begun to be, by profile, key and partition."""
        for folder in self._list_assets(prefix, profile):
            for partition in self._files.list_folders(folder):
                yield Slot.parse(f"{folder}/{partition}")

    def list_files(self, prefix: str = "") -> Iterator[str]:
        """List the paths of all files; those of one slot come together."""
        for folder in self._list_assets(prefix, None):
            yield from self._files.list_files(folder)

    def list_versions(self, slot: Slot) -> list[Artefact]:
        """Every artefact that a slot ever had, the newest first.

        Raises:
            UserError: The store cannot be read, or a manifest is damaged.
        """
        paths = [path for path in self._files.list_files(slot.path) if PurePosixPath(path).name == MANIFEST]
        found = [self.read_version(path.rpartition("/")[0]) for path in paths]
        return sorted((one for one in found if one is not None), key=lambda one: one.manifest.created, reverse=True)

    def read_version(self, folder: str) -> Artefact | None:
        """Read the manifest in an artefact's folder; None where there is none.

        Raises:
            UserError: The store cannot be read, or the manifest is damaged.
        """
        content = self._files.read(f"{folder}/{MANIFEST}")
        if content is None:
            return None
        try:
            manifest = read_manifest(content)
        except ValueError as error:
            raise self._damaged(f"{folder}/{MANIFEST}", "manifest", error) from None
        return Artefact(f"{folder}/{manifest.file}", manifest)

    def open(self, artefact: Artefact, keep: bool = False) -> AbstractContextManager[Path]:
        """Lend a local file with the artefact's content, to be read only.

        Args:
            artefact: What to read.
            keep: Whether the file is needed for longer than the context, until the process ends.

        Raises:
            UserError: The store cannot be read.
        """
        return self._files.open(artefact.path, keep)

    def locate(self, path: str) -> str:
        """Path or URL of a file, for people."""
        return self._files.locate(path)

    def _follow(self, slot: Slot, content: bytes | None) -> Artefact | None:
        if content is None:
            return None
        try:
            pointer = read_pointer(content)
        except ValueError as error:
            raise self._damaged(f"{slot.path}/{POINTER}", "pointer", error) from None
        return Artefact(f"{pointer.path}/{pointer.manifest.file}", pointer.manifest)

    def _damaged(self, path: str, what: str, error: ValueError) -> UserError:
        slot = Slot.parse("/".join(path.split("/")[:4]))
        return DamageError(
            f"{slot} cannot be looked up in the store.",
            f"The {what} {self.locate(path)} is damaged: {error}.",
            f"Make it again: {slot.command}",
        )

    def _list_assets(self, prefix: str, profile: str | None) -> Iterator[str]:
        """Folders of assets whose key begins with these parts."""
        location, *rest = (_encode(part) for part in prefix.split("/"))
        rest = [part.replace(".", "%2E") for part in rest if part]
        profiles = [name for name in self._files.list_folders("") if not name.startswith(".")]
        for top in [_encode(profile)] if profile else profiles:
            for place in [location] if location else self._files.list_folders(top):
                for asset in self._files.list_folders(f"{top}/{place}"):
                    if asset.split(".")[: len(rest)] == rest:
                        yield f"{top}/{place}/{asset}"


def _encode(part: str) -> str:
    encoded = quote(part, safe=" :,+@")
    return "%2E" + encoded[1:] if encoded.startswith(".") else encoded
