"""A store in a local folder."""

import os
import shutil
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

from atoll.storage.filesystems.filesystem import explaining, hash_file


class Folder:
    """A local folder; it is made when something is written."""

    def __init__(self, root: Path) -> None:
        self.root = root.absolute()

    def create(self, path: str, write: Callable[[Path], None]) -> tuple[int, str]:
        """Write in place, and take write permission away: nobody knows the file before its manifest is there."""
        target = self.root / path
        with explaining(str(self.root), "written", OSError):
            target.parent.mkdir(parents=True)
            try:
                write(target)
                _sync(target)
                _protect(target)
                return target.stat().st_size, hash_file(target)
            except BaseException:
                shutil.rmtree(target.parent, ignore_errors=True)
                raise

    def replace(self, path: str, content: bytes) -> None:
        """Write a draft beside the file, flush it to the disk, and rename it."""
        with explaining(str(self.root), "written", OSError):
            self._place(path, content, Path.replace)

    def add(self, path: str, content: bytes) -> bool:
        """Write a draft beside the file, flush it to the disk, and link it under a name that nobody has."""
        with explaining(str(self.root), "written", OSError):
            try:
                self._place(path, content, lambda draft, target: target.hardlink_to(draft))
            except FileExistsError:
                return False
            return True

    def _place(self, path: str, content: bytes, place: Callable[[Path, Path], object]) -> None:
        target = self.root / path
        draft = target.with_name(f".{target.name}.{uuid4().hex}")
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            draft.write_bytes(content)
            _protect(draft)
            _sync(draft)
            place(draft, target)
        finally:
            draft.unlink(missing_ok=True)
        _sync(target.parent)

    def drop(self, path: str) -> None:
        """Remove a file."""
        with explaining(str(self.root), "written", OSError):
            (self.root / path).unlink(missing_ok=True)

    def remove(self, path: str) -> None:
        """Remove a folder, if that can be done."""
        shutil.rmtree(self.root / path, ignore_errors=True)

    def read(self, path: str) -> bytes | None:
        """Read a small file; None where there is none."""
        with explaining(str(self.root), "read", OSError):
            try:
                return (self.root / path).read_bytes()
            except FileNotFoundError:
                return None

    def read_all(self, paths: Sequence[str]) -> Iterable[bytes | None]:
        """Read one after the other."""
        return map(self.read, paths)

    def list_folders(self, path: str) -> list[str]:
        """Names of the folders in a folder, sorted."""
        with explaining(str(self.root), "read", OSError):
            try:
                with os.scandir(self.root / path) as entries:
                    return sorted(entry.name for entry in entries if entry.is_dir())
            except FileNotFoundError:
                return []

    def list_files(self, path: str) -> Iterator[str]:
        """Walk the folder, sorted."""
        with explaining(str(self.root), "read", OSError):
            try:
                with os.scandir(self.root / path) as entries:
                    found = sorted((entry.is_dir(follow_symlinks=False), entry.name) for entry in entries)
            except FileNotFoundError:
                return
        for is_folder, name in found:
            below = f"{path}/{name}"
            if is_folder:
                yield from self.list_files(below)
            else:
                yield below

    @contextmanager
    def open(self, path: str, keep: bool) -> Generator[Path]:
        """Lend the file itself."""
        target = self.root / path
        with explaining(str(self.root), "read", OSError), target.open("rb"):
            pass
        yield target

    def locate(self, path: str) -> str:
        """Path of the file."""
        return str(self.root / path)


def _protect(path: Path) -> None:
    """Take write permission away."""
    path.chmod(path.stat().st_mode & ~0o222)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
