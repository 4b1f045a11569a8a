"""Small documents in the store, beside its artefacts: what was tracked, and what was decided about models."""

from collections.abc import Iterator
from pathlib import PurePosixPath

from atoll.storage.filesystems import open_filesystem

FOLDER = ".journal"


class Journal:
    """Documents by path, such as ``tracking/pending/<id>.json``; each is written in one step, whole or not at all."""

    def __init__(self, url: str) -> None:
        """Open the journal of a store; nothing is read or written yet.

        Args:
            url: The store's folder or URL.

        Raises:
            UserError: No such kind of URL can be opened here.
        """
        self._files = open_filesystem(url)

    def add(self, path: str, document: bytes) -> bool:
        """Write a document that is not there yet; say whether it was this call that did.

        Raises:
            UserError: The store cannot be written.
        """
        return self._files.add(f"{FOLDER}/{path}", document)

    def read(self, path: str) -> bytes | None:
        """Read a document; None where there is none.

        Raises:
            UserError: The store cannot be read.
        """
        return self._files.read(f"{FOLDER}/{path}")

    def list_paths(self, folder: str) -> Iterator[str]:
        """List the documents below a folder, sorted; drafts of a killed writer are none.

        Raises:
            UserError: The store cannot be read.
        """
        for path in self._files.list_files(f"{FOLDER}/{folder}"):
            if not PurePosixPath(path).name.startswith("."):
                yield path.removeprefix(f"{FOLDER}/")

    def read_all(self, folder: str) -> Iterator[bytes]:
        """Read the documents below a folder, in the order of their paths.

        Raises:
            UserError: The store cannot be read.
        """
        paths = [f"{FOLDER}/{path}" for path in self.list_paths(folder)]
        yield from (document for document in self._files.read_all(paths) if document is not None)

    def move(self, source: str, target: str) -> None:
        """Give a document another path; one that was moved already stays as it is.

        Raises:
            UserError: The store cannot be written.
        """
        document = self.read(source)
        if document is not None:
            self.add(target, document)
            self._files.drop(f"{FOLDER}/{source}")
