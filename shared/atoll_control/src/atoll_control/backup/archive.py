"""The file of a backup: a zip whose comment has the SHA-256 of every byte before it; written whole or not at all."""

import hashlib
import json
import os
import zipfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from atoll_control.backup.manifest import NAME, Manifest, Member, read_manifest
from atoll_control.errors import UserError

CHUNK = 1 << 20
# What the comment begins with; the checksum follows.
SEAL = b"atoll backup, sha256 "
SEALED = len(SEAL) + 2 * hashlib.sha256().digest_size


class Writer:
    """A backup that is being written; what is in it is known at its end."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self.members: dict[str, Member] = {}
        self._archive = archive

    def copy(self, name: str, source: IO[bytes]) -> Member:
        """Add what a stream has, to its end."""
        digest, size = hashlib.sha256(), 0
        # Every member may be large: how large is known at its end.
        with self._archive.open(name, "w", force_zip64=True) as target:
            while chunk := source.read(CHUNK):
                target.write(chunk)
                digest.update(chunk)
                size += len(chunk)
        self.members[name] = Member(size=size, sha256=digest.hexdigest())
        return self.members[name]

    def add(self, name: str, content: bytes) -> None:
        """Add a small file."""
        self._archive.writestr(name, content)
        self.members[name] = Member(size=len(content), sha256=hashlib.sha256(content).hexdigest())

    def finish(self, **facts: Any) -> Manifest:
        """Add the manifest, which says what was added so far."""
        manifest = Manifest(members=self.members, **facts)
        self._archive.writestr(NAME, json.dumps(manifest.model_dump(mode="json"), indent=1) + "\n")
        return manifest


@contextmanager
def create(path: Path) -> Generator[Writer]:
    """Write a backup while the block runs, for its owner alone; where the block fails nothing is left.

    Raises:
        UserError: the file is there already, or cannot be written: the disk is full, perhaps.
    """
    if path.exists():
        raise UserError(f"{path} was not written.", "there is such a file already.", "name another one with --to.")
    draft = draft_of(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        draft.unlink(missing_ok=True)
        try:
            with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                sealed = _Sealed(file)
                with zipfile.ZipFile(sealed, "w", zipfile.ZIP_STORED) as archive:
                    # In the place of the seal: that the comment has this length is among what is sealed.
                    archive.comment = bytes(SEALED)
                    yield Writer(archive)
                file.seek(-SEALED, os.SEEK_END)
                file.write(sealed.seal())
                file.flush()
                os.fsync(file.fileno())
            draft.rename(path)
            _sync_folder(path.parent)
        except BaseException:
            draft.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise UserError(
            f"{path} was not written.",
            f"{error.strerror} (errno {error.errno}); what was written of it is removed again.",
            "make room there, or name a file on another disk: --to FILE",
        ) from error


def draft_of(path: Path) -> Path:
    """Return the name that a backup has until it is whole."""
    return path.with_name(f".{path.name}.draft")


class Archive:
    """A backup that is whole: every byte is as it was written.

    Raises:
        UserError: it is not there, not a backup, or damaged.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            _require_seal(path)
            self._archive = zipfile.ZipFile(path)
            self.manifest = read_manifest(self._archive.read(NAME), str(path))
            listed = {entry.filename: entry.file_size for entry in self._archive.infolist() if entry.filename != NAME}
        except OSError as error:
            raise UserError(
                f"{path} cannot be read.", f"{error.strerror} (errno {error.errno}).", "name a file that ./atoll wrote."
            ) from error
        except (zipfile.BadZipFile, KeyError) as error:
            raise UserError(f"{path} is not a backup.", f"{error}.", "name a file that ./atoll backup wrote.") from None
        if listed != {name: member.size for name, member in self.manifest.members.items()}:
            raise UserError(
                f"{path} is not a backup.", "it has other files than its manifest says.", "take another backup."
            )

    def __enter__(self) -> "Archive":
        """Keep the file open."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the file."""
        self._archive.close()

    def read(self, name: str) -> bytes:
        """Return a small member."""
        return self._archive.read(name)

    def list(self, folder: str) -> list[str]:
        """Return the names of the members in a folder."""
        return sorted(name for name in self.manifest.members if name.startswith(f"{folder}/"))

    def copy(self, name: str, target: IO[bytes]) -> Member:
        """Write a member into a stream, and see again that it is what was written.

        Raises:
            UserError: it is no longer.
        """
        member, digest = self.manifest.members[name], hashlib.sha256()
        try:
            with self._archive.open(name) as source:
                while chunk := source.read(CHUNK):
                    digest.update(chunk)
                    target.write(chunk)
            if digest.hexdigest() == member.sha256:
                return member
        except zipfile.BadZipFile:
            pass
        raise UserError(
            f"{self.path} is damaged.",
            f"{name} is no longer what it was when the whole file was verified a moment ago.",
            "copy the backup to a disk that keeps it, and restore from there.",
        )


def _require_seal(path: Path) -> None:
    """Read the whole file, and compare it with the checksum at its end."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        left = file.seek(0, os.SEEK_END) - SEALED
        file.seek(max(left, 0))
        seal = file.read()
        if left < 0 or not seal.startswith(SEAL):
            raise UserError(
                f"{path} is not a whole backup.",
                "it does not end with the checksum of one: it was cut off, or is another kind of file.",
                "copy it again from where it is whole, or take another backup.",
            )
        file.seek(0)
        while left and (chunk := file.read(min(CHUNK, left))):
            digest.update(chunk)
            left -= len(chunk)
    if seal != SEAL + digest.hexdigest().encode():
        raise UserError(
            f"{path} is damaged.",
            "its bytes have another SHA-256 than those that were written.",
            "copy it again from where it is whole, or take another backup; nothing was restored.",
        )


class _Sealed:
    """A stream to write to once, from its beginning to its end; knows the checksum of all but a zip's comment."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file, self._digest, self._end = file, hashlib.sha256(), b""

    def write(self, content: bytes) -> int:
        self._file.write(content)
        known = self._end + content
        self._digest.update(known[:-SEALED])
        self._end = known[-SEALED:]
        return len(content)

    def flush(self) -> None:
        self._file.flush()

    def close(self) -> None:
        """Leave it to whose file it is."""

    def seal(self) -> bytes:
        """Return what belongs in the place of the comment."""
        return SEAL + self._digest.hexdigest().encode()


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
