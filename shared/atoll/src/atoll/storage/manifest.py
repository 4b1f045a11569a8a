"""What is known about an artefact, and stored beside it."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from pydantic import TypeAdapter, ValidationError

UNVERSIONED = "unversioned"


@dataclass(frozen=True)
class Manifest:
    """What an artefact is, and what it was made by and from.

    ``asset`` is the key; ``format`` the kind of file, for a table the library that wrote it; ``rows`` and ``columns``
    (name to canonical Arrow type) are for tables; ``size`` is in bytes, ``checksum`` the file's SHA-256. ``inputs`` has
    the data version of what was loaded, by key and partition (``all`` where there is none). ``commit`` ends with
    ``+dirty`` where files were changed, ``lock`` is the SHA-256 of the project's uv.lock. None is what is not known.
    """

    asset: str
    partition: str | None
    profile: str
    data_version: str
    created: datetime
    file: str
    size: int
    checksum: str
    format: str = "file"
    rows: int | None = None
    columns: dict[str, str] | None = None
    code_version: str = UNVERSIONED
    inputs: dict[str, dict[str, str]] = field(default_factory=dict)
    configuration: Any = None
    run_id: str | None = None
    commit: str | None = None
    lock: str | None = None
    image: str | None = None
    packages: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Pointer:
    """Which artefact of a slot is current: path of its folder below the store's URL, and a copy of its manifest."""

    path: str
    manifest: Manifest


_MANIFEST = TypeAdapter(Manifest)
_POINTER = TypeAdapter(Pointer)


def write_manifest(manifest: Manifest) -> bytes:
    """Manifest as JSON."""
    return _MANIFEST.dump_json(manifest, indent=1)


def read_manifest(content: bytes) -> Manifest:
    """Read a manifest.

    Raises:
        ValueError: It is none.
    """
    try:
        return _MANIFEST.validate_json(content)
    except ValidationError as error:
        raise ValueError(_explain(error)) from None


def write_pointer(pointer: Pointer) -> bytes:
    """Pointer as JSON."""
    return _POINTER.dump_json(pointer, indent=1)


def read_pointer(content: bytes) -> Pointer:
    """Read a pointer.

    Raises:
        ValueError: It is none.
    """
    try:
        return _POINTER.validate_json(content)
    except ValidationError as error:
        raise ValueError(_explain(error)) from None


def _explain(error: ValidationError) -> str:
    first = error.errors(include_input=False, include_url=False)[0]
    return ": ".join([*map(str, first["loc"]), first["msg"]])
