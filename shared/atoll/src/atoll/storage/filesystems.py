"""The kinds of place a store can be in: a local folder, a file system behind a URL, and a web server to read from."""

import atexit
import hashlib
import json
import os
import shutil
import tempfile
from base64 import b64encode
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Any, NoReturn, Protocol
from urllib.parse import quote, unquote, urlsplit
from uuid import uuid4

from atoll.errors import UserError

HOW = "See that it exists, has room and may be used by this user, or set `store` (ATOLL_STORE) to another place."


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

    extra = "https" if _is_web(url) else "s3"
    try:
        if _is_web(url):
            return Website(url)
        place = UPath(url)
        if place.protocol in ("", "file", "local"):
            return Folder(Path(place.path))
        return Remote(place.fs, place.path, str(place))
    except ImportError as error:
        raise UserError(
            f"The store {redact(url)} cannot be opened.",
            f"What reads this kind of URL is not installed: {error}.",
            f"Add the extra `{extra}` to the project's dependency on atoll, and run ./atoll sync.",
        ) from error
    except ValueError as error:
        raise UserError(
            f"The store {redact(url)} cannot be opened.",
            f"This kind of URL is unknown: {error}.",
            "Set `store` (ATOLL_STORE) to a folder, to s3://bucket/prefix or to https://host/path.",
        ) from error


def _is_web(url: str) -> bool:
    return urlsplit(url).scheme in ("http", "https")


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

    how = HOW

    def __init__(self, files: Any, root: str, url: str) -> None:
        self.url = redact(url).rstrip("/")
        self._files = files
        self._root = root.rstrip("/")

    def create(self, path: str, write: Callable[[Path], None]) -> tuple[int, str]:
        """Write a local file, and copy it there."""
        with tempfile.TemporaryDirectory(prefix="atoll-") as folder:
            source = Path(folder) / Path(path).name
            with _explaining(f"{self.url} (through {folder})", "written", OSError):
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
        return _explaining(self.url, done, Exception, self.how)


class Website(Remote):
    """A store that a web server shows, read-only; it lists a folder as JSON when asked to, as Caddy's file server does.

    User and password are those of the URL, or of ``~/.netrc``; the variable ``SSL_CERT_FILE`` names whom to trust.
    Nothing is kept from one look to the next.
    """

    def __init__(self, url: str) -> None:
        import aiohttp
        from fsspec.implementations.http import HTTPFileSystem

        parts = urlsplit(url)
        login = unquote(f"{parts.username}:{parts.password or ''}") if parts.username else None
        options = {
            "headers": {"Accept": "application/json"}
            | ({"Authorization": f"Basic {b64encode(login.encode()).decode()}"} if login else {}),
            "timeout": aiohttp.ClientTimeout(total=None, sock_connect=30, sock_read=60),
            # It looks into ~/.netrc, and refuses to choose where there is a second login.
            "trust_env": login is None,
        }
        super().__init__(HTTPFileSystem(client_kwargs=options, encoded=True), redact(url), url)
        self.how = (
            "See that the URL is that of a store, that ~/.netrc has the login "
            f"(machine {parts.hostname} login USER password PASSWORD), "
            "and, where the certificate is the server's own, that SSL_CERT_FILE names the file of who signed it."
        )

    def _refuse(self, *_: Any, **__: Any) -> NoReturn:
        raise UserError(
            f"The store {self.url} is read-only.",
            "It is what a web server shows of a store.",
            "Set `store` (ATOLL_STORE) to a folder, or do it where that store is: ./atoll run LOCATION --env ENV",
        )

    create = replace = add = drop = remove = _refuse

    def list_folders(self, path: str) -> list[str]:
        """Names of the folders in a folder, sorted; as they are now."""
        (entries,) = self._list([path])
        return sorted(name for name, is_folder in entries if is_folder)

    def list_files(self, path: str) -> Iterator[str]:
        """List all folders of one depth at a time; as they are now."""
        found, folders = [], [path]
        while folders:
            below: list[str] = []
            for folder, entries in zip(folders, self._list(folders), strict=True):
                for name, is_folder in entries:
                    (below if is_folder else found).append(f"{folder}/{name}")
            folders = below
        yield from sorted(found)

    def locate(self, path: str) -> str:
        """URL of the file, as a browser takes it."""
        return self._name(path)

    def _list(self, folders: Sequence[str]) -> list[list[tuple[str, bool]]]:
        """Names of what is in each folder, and whether that is a folder; nothing where there is no folder."""
        contents = self.read_all([f"{folder}/".lstrip("/") for folder in folders])
        with self._explaining("read"):
            return [_read_listing(content) for content in contents]

    def _name(self, path: str) -> str:
        return f"{self._root}/{quote(path)}"


def _read_listing(content: bytes | None) -> list[tuple[str, bool]]:
    """Read the names in a folder, and whether each is a folder."""
    try:
        entries = json.loads(content or b"[]") or []
        return [(entry["name"].rstrip("/"), entry["is_dir"]) for entry in entries]
    except (ValueError, TypeError, KeyError):
        raise ValueError("what answers there lists no folder as JSON") from None


@contextmanager
def _explaining(store: str, done: str, kind: type[Exception], how: str = HOW) -> Generator[None]:
    try:
        yield
    except UserError:
        raise
    except kind as error:
        reason = (str(error) or type(error).__name__).rstrip(".")
        raise UserError(
            f"The store {store} cannot be {done}.",
            f"{type(error).__name__}: {reason}.",
            how,
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
