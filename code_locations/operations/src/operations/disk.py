"""Bytes: what the platform's parts use, and what is free on the file systems that they are on."""

import os
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from upath import UPath

GB = 10**9
ENOUGH_BYTES, ENOUGH_SHARE = 10 * GB, 0.10
LEAST_BYTES = 2 * GB


@dataclass(frozen=True)
class FileSystem:
    """Room on one file system, in bytes; `parts` are the names of what lies on it."""

    parts: tuple[str, ...]
    free: int
    total: int

    @property
    def name(self) -> str:
        """Its parts, for people."""
        return ", ".join(self.parts)

    @property
    def scarce(self) -> bool:
        """Whether somebody should make room."""
        return self.free < ENOUGH_BYTES or self.free < ENOUGH_SHARE * self.total

    @property
    def full(self) -> bool:
        """Whether what runs next may fail."""
        return self.free < LEAST_BYTES


def find_places(root: Path, store: str) -> dict[str, list[Path | UPath]]:
    """Name the folders of each part of the platform.

    Args:
        root: The checkout.
        store: A folder, or a URL such as ``s3://bucket/prefix``.

    Returns:
        Folders by part, a path where they are here; one need not exist.
    """
    instance, place = root / ".atoll" / "instance", UPath(store)
    return {
        "store": [Path(place.path) if place.protocol in ("", "file", "local") else place],
        "runs database": [instance / "storage"],
        "compute logs": [instance / "compute_logs"],
        "environments": sorted([*root.glob(".venv"), *root.glob("*/*/.venv")]),
    }


def measure_use(places: Mapping[str, list[Path | UPath]]) -> dict[str, int]:
    """Measure the bytes that each part uses.

    A file that is here counts with the blocks that it takes, and once, however many links it has.
    """
    return {part: _measure(folders) for part, folders in places.items()}


def measure_room(places: Mapping[str, list[Path | UPath]]) -> list[FileSystem]:
    """Measure the room on each file system that parts lie on; what is behind a URL has none to measure."""
    parts: dict[int, dict[str, Path]] = {}
    for part, folders in places.items():
        for folder in folders:
            if isinstance(folder, Path):
                there = next(path for path in (folder, *folder.parents) if path.exists())
                parts.setdefault(there.stat().st_dev, {})[part] = there
    usage = {device: shutil.disk_usage(next(iter(found.values()))) for device, found in parts.items()}
    return [FileSystem(tuple(parts[device]), found.free, found.total) for device, found in usage.items()]


def _measure(folders: list[Path | UPath]) -> int:
    here = [folder for folder in folders if isinstance(folder, Path)]
    elsewhere = [folder for folder in folders if not isinstance(folder, Path)]
    blocks = {(stat.st_dev, stat.st_ino): stat.st_blocks for folder in here for stat in _walk(str(folder))}
    return 512 * sum(blocks.values()) + sum(folder.fs.du(folder.path) for folder in elsewhere)


def _walk(folder: str) -> Iterator[os.stat_result]:
    """Look at every file; what goes while this looks is passed over."""
    try:
        entries = list(os.scandir(folder))
    except FileNotFoundError:
        return
    for entry in entries:
        if entry.is_dir(follow_symlinks=False):
            yield from _walk(entry.path)
            continue
        try:
            yield entry.stat(follow_symlinks=False)
        except FileNotFoundError:
            continue
