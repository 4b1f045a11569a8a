"""The two kinds of place a store can be in: a local folder, and a file system behind a URL."""

import atexit
import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from functools import cache
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlsplit
from uuid import uuid4

from atoll.errors import UserError

if TYPE_CHECKING:
    from upath import UPath


class FileSystem(Protocol):
    """What a store needs from the place it is in; paths are relative to it. Everything raises UserError on failure."""

    def create(self, path: str, write: Callable[[Path], None]) -> tuple[int, str]:
        """Create a file from what ``write`` puts into the local path it is given; returns its size and checksum."""
        ...

    def replace(self, path: str, content: bytes) -> None:
        """Write a small file, or replace it in one step."""
        ...

    def add(self, path: str, content: bytes) -> bool:
        """Write a small file that is not there yet, in one step; say whether it was this call that did."""
        ...

    def drop(self, path: str) -> None:
        """Remove a small file; whether it was there does not matter."""
        ...

    def remove(self, path: str) -> None:
        """Remove a folder that nobody knows yet, if that can be done."""
        ...

    def read(self, path: str) -> bytes | None:
        """Read a small file; None where there is none."""
        ...

    def read_all(self, paths: Sequence[str]) -> Iterable[bytes | None]:
        """Read many small files."""
        ...

    def list_folders(self, path: str) -> list[str]:
        """Names of the folders in a folder, sorted; none where there is no folder."""
        ...

    def list_files(self, path: str) -> Iterator[str]:
        """Paths of all files below a folder, those of one folder together; none where there is no folder."""
        ...

    def open(self, path: str, keep: bool) -> AbstractContextManager[Path]:
        """Lend a local file with the content, for the context or, if it is to be kept, until the process ends."""
        ...

    def locate(self, path: str) -> str:
        """Path or URL, for people."""
        ...


def open_filesystem(url: str) -> FileSystem:
    """Open the place that a folder's path or a URL names; nothing is read or written yet.

    Raises:
        UserError: This kind of URL is unknown, or what reads it is not installed.
    """
    from upath import UPath

    try:
        place = UPath(url)
        return Folder(Path(place.path)) if place.protocol in ("", "file", "local") else Remote(place)
    except ImportError as error:
        raise UserError(
            f"The store {redact(url)} cannot be opened.",
            f"What reads this kind of URL is not installed: {error}.",
            "For S3 add the extra `s3` to the project's dependency on atoll, and run ./atoll sync.",
        ) from error
    except ValueError as error:
        raise UserError(
            f"The store {redact(url)} cannot be opened.",
            f"This kind of URL is unknown: {error}.",
            "Set `store` (ATOLL_STORE) to a folder or to s3://bucket/prefix.",
        ) from error


def redact(url: str) -> str:
    """Take user and password out of a URL."""
    netloc = urlsplit(url).netloc
    return url.replace(netloc, netloc.rpartition("@")[2], 1) if "@" in netloc else url


class Folder:
    """A local folder; it is made when something is written."""

    def __init__(self, root: Path) -> None:
        self.root = root.absolute()

    def create(self, path: str, write: Callable[[Path], None]) -> tuple[int, str]:
        """Write in place, and take write permission away: nobody knows the file before its manifest is there."""
        target = self.root / path
        with _explaining(str(self.root), "written", OSError):
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
        with _explaining(str(self.root), "written", OSError):
            self._place(path, content, Path.replace)

    def add(self, path: str, content: bytes) -> bool:
        """Write a draft beside the file, flush it to the disk, and link it under a name that nobody has."""
        with _explaining(str(self.root), "written", OSError):
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
        with _explaining(str(self.root), "written", OSError):
            (self.root / path).unlink(missing_ok=True)

    def remove(self, path: str) -> None:
        """Remove a folder, if that can be done."""
        shutil.rmtree(self.root / path, ignore_errors=True)

    def read(self, path: str) -> bytes | None:
        """Read a small file; None where there is none."""
        with _explaining(str(self.root), "read", OSError):
            try:
                return (self.root / path).read_bytes()
            except FileNotFoundError:
                return None

    def read_all(self, paths: Sequence[str]) -> Iterable[bytes | None]:
        """Read one after the other."""
        return map(self.read, paths)

    def list_folders(self, path: str) -> list[str]:
        """Names of the folders in a folder, sorted."""
        with _explaining(str(self.root), "read", OSError):
            try:
                with os.scandir(self.root / path) as entries:
                    return sorted(entry.name for entry in entries if entry.is_dir())
            except FileNotFoundError:
                return []

    def list_files(self, path: str) -> Iterator[str]:
        """Walk the folder, sorted."""
        with _explaining(str(self.root), "read", OSError):
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
        with _explaining(str(self.root), "read", OSError), target.open("rb"):
            pass
        yield target

    def locate(self, path: str) -> str:
        """Path of the file."""
        return str(self.root / path)


class Remote:
    """A file system behind a URL; whether it can be reached shows when it is used."""

    def __init__(self, place: "UPath") -> None:
        self.url = redact(str(place)).rstrip("/")
        self._files: Any = place.fs
        self._root = place.path.rstrip("/")

    def create(self, path: str, write: Callable[[Path], None]) -> tuple[int, str]:
        """Write a local file, and copy it there."""
        with tempfile.TemporaryDirectory(prefix="atoll-") as folder:
            source = Path(folder) / Path(path).name
            with _explaining(f"{self.url} (through {folder})", "written", OSError):
                write(source)
            with _explaining(self.url, "written", Exception):
                self._files.put_file(str(source), f"{self._root}/{path}")
            return source.stat().st_size, hash_file(source)

    def replace(self, path: str, content: bytes) -> None:
        """Put the content in one request."""
        with _explaining(self.url, "written", Exception):
            self._files.pipe_file(f"{self._root}/{path}", content)

    def add(self, path: str, content: bytes) -> bool:
        """Put the content in one request, on the condition that nobody has."""
        with _explaining(self.url, "written", Exception):
            try:
                self._files.pipe_file(f"{self._root}/{path}", content, mode="create")
            except FileExistsError:
                return False
            return True

    def drop(self, path: str) -> None:
        """Remove a key."""
        with _explaining(self.url, "written", Exception), suppress(FileNotFoundError):
            self._files.rm_file(f"{self._root}/{path}")

    def remove(self, path: str) -> None:
        """Remove all keys with this prefix, if that can be done."""
        with suppress(Exception):
            self._files.rm(f"{self._root}/{path}", recursive=True)

    def read(self, path: str) -> bytes | None:
        """Read a small file; None where there is none."""
        with _explaining(self.url, "read", Exception):
            try:
                return self._files.cat_file(f"{self._root}/{path}")
            except FileNotFoundError:
                return None

    def read_all(self, paths: Sequence[str]) -> Iterable[bytes | None]:
        """Read many at a time."""
        with _explaining(self.url, "read", Exception):
            names = [f"{self._root}/{path}" for path in paths]
            found = self._files.cat(names, on_error="return")
            return [_raise_but_missing(found[name]) for name in names]

    def list_folders(self, path: str) -> list[str]:
        """Names of the folders in a folder, sorted; as they are now."""
        with _explaining(self.url, "read", Exception):
            self._files.invalidate_cache()
            try:
                entries = self._files.ls(f"{self._root}/{path}".rstrip("/"), detail=True)
            except FileNotFoundError:
                return []
            return sorted(PurePosixPath(entry["name"]).name for entry in entries if entry["type"] == "directory")

    def list_files(self, path: str) -> Iterator[str]:
        """List all keys with this prefix; as they are now."""
        with _explaining(self.url, "read", Exception):
            self._files.invalidate_cache()
            found = self._files.find(f"{self._root}/{path}")
        yield from (name.removeprefix(f"{self._root}/") for name in sorted(found))

    @contextmanager
    def open(self, path: str, keep: bool) -> Generator[Path]:
        """Copy the file here."""
        folder = Path(tempfile.mkdtemp(prefix="atoll-", dir=_downloads() if keep else None))
        try:
            target = folder / Path(path).name
            with _explaining(self.url, "read", Exception):
                self._files.get_file(f"{self._root}/{path}", str(target))
            yield target
        finally:
            if not keep:
                shutil.rmtree(folder)

    def locate(self, path: str) -> str:
        """URL of the file."""
        return f"{self.url}/{path}"


@contextmanager
def _explaining(store: str, done: str, kind: type[Exception]) -> Generator[None]:
    try:
        yield
    except UserError:
        raise
    except kind as error:
        reason = (str(error) or type(error).__name__).rstrip(".")
        raise UserError(
            f"The store {store} cannot be {done}.",
            f"{type(error).__name__}: {reason}.",
            "See that it exists, has room and may be used by this user, or set `store` (ATOLL_STORE) to another place.",
        ) from error


def hash_file(path: Path) -> str:
    """SHA-256 of a local file."""
    digest, block = hashlib.sha256(), memoryview(bytearray(1 << 20))
    with path.open("rb", buffering=0) as file:
        while size := file.readinto(block):
            digest.update(block[:size])
    return digest.hexdigest()


def _raise_but_missing(found: Any) -> bytes | None:
    """Take what was found, or None where there is no such file."""
    if isinstance(found, FileNotFoundError):
        return None
    if isinstance(found, Exception):
        raise found
    return found


def _protect(path: Path) -> None:
    """Take write permission away."""
    path.chmod(path.stat().st_mode & ~0o222)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@cache
def _downloads() -> str:
    """Folder for what is kept until the process ends."""
    folder = tempfile.TemporaryDirectory(prefix="atoll-")
    atexit.register(folder.cleanup)
    return folder.name
