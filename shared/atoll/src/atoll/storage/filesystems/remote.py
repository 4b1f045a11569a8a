"""A store in a file system behind a URL."""

import atexit
import shutil
import tempfile
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Any

from atoll.storage.filesystems.filesystem import HOW, explaining, hash_file, redact


class Remote:
    """A file system behind a URL; whether it can be reached shows when it is used."""

    how = HOW

    def __init__(self, files: Any, root: str, url: str) -> None:
        self.url = redact(url).rstrip("/")
        self._files = files
        self._root = root.rstrip("/")

    def create(self, path: str, write: Callable[[Path], None]) -> tuple[int, str]:
        """Write a local file, and copy it there."""
        with tempfile.TemporaryDirectory(prefix="atoll-") as folder:
            source = Path(folder) / Path(path).name
            with explaining(f"{self.url} (through {folder})", "written", OSError):
                write(source)
            with self._explaining("written"):
                self._files.put_file(str(source), self._name(path))
            return source.stat().st_size, hash_file(source)

    def replace(self, path: str, content: bytes) -> None:
        """Put the content in one request."""
        with self._explaining("written"):
            self._files.pipe_file(self._name(path), content)

    def add(self, path: str, content: bytes) -> bool:
        """Put the content in one request, on the condition that nobody has."""
        with self._explaining("written"):
            try:
                self._files.pipe_file(self._name(path), content, mode="create")
            except FileExistsError:
                return False
            return True

    def drop(self, path: str) -> None:
        """Remove a key."""
        with self._explaining("written"), suppress(FileNotFoundError):
            self._files.rm_file(self._name(path))

    def remove(self, path: str) -> None:
        """Remove all keys with this prefix, if that can be done."""
        with suppress(Exception):
            self._files.rm(self._name(path), recursive=True)

    def read(self, path: str) -> bytes | None:
        """Read a small file; None where there is none."""
        with self._explaining("read"):
            try:
                return self._files.cat_file(self._name(path))
            except FileNotFoundError:
                return None

    def read_all(self, paths: Sequence[str]) -> Iterable[bytes | None]:
        """Read many at a time."""
        with self._explaining("read"):
            names = [self._name(path) for path in paths]
            found = self._files.cat(names, on_error="return") if names else {}
            return [_raise_but_missing(found[name]) for name in names]

    def list_folders(self, path: str) -> list[str]:
        """Names of the folders in a folder, sorted; as they are now."""
        with self._explaining("read"):
            self._files.invalidate_cache()
            try:
                entries = self._files.ls(self._name(path).rstrip("/"), detail=True)
            except FileNotFoundError:
                return []
            return sorted(PurePosixPath(entry["name"]).name for entry in entries if entry["type"] == "directory")

    def list_files(self, path: str) -> Iterator[str]:
        """List all keys with this prefix; as they are now."""
        with self._explaining("read"):
            self._files.invalidate_cache()
            found = self._files.find(self._name(path))
        yield from (name.removeprefix(f"{self._root}/") for name in sorted(found))

    @contextmanager
    def open(self, path: str, keep: bool) -> Generator[Path]:
        """Copy the file here."""
        folder = Path(tempfile.mkdtemp(prefix="atoll-", dir=_downloads() if keep else None))
        try:
            target = folder / Path(path).name
            with self._explaining("read"):
                self._files.get_file(self._name(path), str(target))
            yield target
        finally:
            if not keep:
                shutil.rmtree(folder)

    def locate(self, path: str) -> str:
        """URL of the file."""
        return f"{self.url}/{path}"

    def _name(self, path: str) -> str:
        return f"{self._root}/{path}"

    def _explaining(self, done: str) -> AbstractContextManager[None]:
        return explaining(self.url, done, Exception, self.how)


def _raise_but_missing(found: Any) -> bytes | None:
    """Take what was found, or None where there is no such file."""
    if isinstance(found, FileNotFoundError):
        return None
    if isinstance(found, Exception):
        raise found
    return found


@cache
def _downloads() -> str:
    """Folder for what is kept until the process ends."""
    folder = tempfile.TemporaryDirectory(prefix="atoll-")
    atexit.register(folder.cleanup)
    return folder.name
