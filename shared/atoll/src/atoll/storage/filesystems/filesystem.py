"""What a store needs from the place it is in, and what is said when that fails."""

import hashlib
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

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


@contextmanager
def explaining(store: str, done: str, kind: type[Exception], how: str = HOW) -> Generator[None]:
    """Turn errors of a kind into a UserError: the store, what was not `done` with it, why, and how to mend that."""
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


def redact(url: str) -> str:
    """Take user and password out of a URL."""
    netloc = urlsplit(url).netloc
    return url.replace(netloc, netloc.rpartition("@")[2], 1) if "@" in netloc else url


def hash_file(path: Path) -> str:
    """SHA-256 of a local file."""
    digest, block = hashlib.sha256(), memoryview(bytearray(1 << 20))
    with path.open("rb", buffering=0) as file:
        while size := file.readinto(block):
            digest.update(block[:size])
    return digest.hexdigest()
