"""Artefacts under one URL: a folder, or any file system that fsspec knows, S3 among them."""

import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any
from urllib.parse import quote
from uuid import uuid4

from atoll.filesystems import open_filesystem, redact

POINTER = "current.json"
PROBE = ".probe.json"


@dataclass(frozen=True)
class Slot:
    """The place of one asset's artefacts: a profile, an asset key, and a partition where there is one."""

    profile: str
    asset: tuple[str, ...]
    partition: str | None = None

    @property
    def path(self) -> str:
        """Path below the store's URL; what a file system would misread is percent-encoded."""
        return "/".join(_encode(part) for part in (self.profile, *self.asset, self.partition or "all"))

    def __str__(self) -> str:
        """Name the asset, and its partition if it has one."""
        return "/".join(self.asset) + (f" [{self.partition}]" if self.partition else "")


@dataclass(frozen=True)
class Artefact:
    """One version of a value: path below the store's URL, size in bytes, and the facts stored with it (JSON-able)."""

    path: str
    size: int
    facts: dict[str, Any]


class Store:
    """Writes artefacts once and whole, and keeps one small pointer to the current artefact of each slot.

    An artefact gets a folder of its own; the pointer is replaced in one step once the artefact is complete. So a reader
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

    def put(self, slot: Slot, name: str, write: Callable[[Path], None], facts: dict[str, Any]) -> Artefact:
        """Store a new artefact and make it the current one of its slot.

        Args:
            slot: Where it belongs.
            name: Its file's name.
            write: Writes its content to the local path it is given.
            facts: What can be known without reading it; JSON-able.

        Raises:
            UserError: The store cannot be written.
        """
        path = f"{slot.path}/{datetime.now(timezone.utc):%Y-%m-%dT%H%M%S.%fZ}-{uuid4().hex[:8]}/{name}"
        size = self._files.create(path, write)
        pointer = {"path": path, "size": size, "facts": facts}
        self._files.replace(f"{slot.path}/{POINTER}", json.dumps(pointer, indent=1).encode())
        return Artefact(path, size, facts)

    def get(self, slot: Slot) -> Artefact | None:
        """Look up the current artefact of a slot; None where nothing was ever stored.

        Raises:
            UserError: The store cannot be read.
        """
        content = self._files.read(f"{slot.path}/{POINTER}")
        return None if content is None else Artefact(**json.loads(content))

    def open(self, artefact: Artefact, keep: bool = False) -> AbstractContextManager[Path]:
        """Lend a local file with the artefact's content, to be read only.

        Args:
            artefact: What to read.
            keep: Whether the file is needed for longer than the context, until the process ends.

        Raises:
            UserError: The store cannot be read.
        """
        return self._files.open(artefact.path, keep)

    def locate(self, artefact: Artefact) -> str:
        """Path or URL of an artefact, for people."""
        return self._files.locate(artefact.path)


def _encode(part: str) -> str:
    encoded = quote(part, safe=" :,+@")
    return "%2E" + encoded[1:] if encoded.startswith(".") else encoded
