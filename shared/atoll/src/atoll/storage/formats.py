"""How values become files: JSON, a copied file, pickle; tables are in ``atoll.storage.tables``."""

import json
import math
import pickle
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from atoll.errors import UserError
from atoll.storage.data_version import hash_json

PREVIEW_LENGTH = 2_000


@dataclass(frozen=True)
class Content:
    """A value ready to be stored: file name, what writes the file, and what is known about it.

    ``version`` hashes the content where that is not the hash of the file; ``rows`` and ``columns`` (name to Arrow type)
    are for tables; ``preview`` is Markdown.
    """

    name: str
    write: Callable[[Path], None]
    version: Callable[[], str] | None = None
    rows: int | None = None
    columns: dict[str, str] | None = None
    preview: str | None = None


class Format(Protocol):
    """One way to store values."""

    kind: str

    def holds(self, value: object) -> bool:
        """Whether the value comes back as it was."""
        ...

    def dump(self, value: Any) -> Content:
        """Prepare the value for storing."""
        ...

    def load(self, path: Path) -> Any:
        """Read a value back."""
        ...


class Json:
    """What JSON can hold without loss: dict with text keys, list, str, int, finite float, bool, None."""

    kind = "json"

    def holds(self, value: object) -> bool:
        """Whether it is made of exactly these types; NaN and infinity are no JSON."""
        try:
            return _is_json(value)
        except RecursionError:
            return False

    def dump(self, value: object) -> Content:
        """Prepare for storing."""
        text = json.dumps(value, indent=1)
        cut = text if len(text) <= PREVIEW_LENGTH else text[:PREVIEW_LENGTH] + "\n..."
        return Content(
            "data.json",
            lambda path: _write(path, text.encode()),
            version=lambda: hash_json(value),
            preview=f"```json\n{cut}\n```",
        )

    def load(self, path: Path) -> Any:
        """Read back."""
        return json.loads(path.read_bytes())


@dataclass(frozen=True)
class Reference:
    """Another artefact, in its place: the path of its folder in the store, and its data version."""

    artefact: str
    data_version: str


class ReferenceFormat:
    """A reference; the store follows it where it is loaded."""

    kind = "reference"

    def holds(self, value: object) -> bool:
        """Whether it is one."""
        return isinstance(value, Reference)

    def dump(self, value: Reference) -> Content:
        """Prepare for storing."""
        content = json.dumps(vars(value)).encode()
        return Content("reference.json", lambda path: _write(path, content), version=lambda: value.data_version)

    def load(self, path: Path) -> Reference:
        """Read back."""
        return Reference(**json.loads(path.read_bytes()))


class File:
    """A local file, copied into the store; loading gives a local path that is to be read only."""

    kind = "file"

    def holds(self, value: object) -> bool:
        """Whether it is a local path."""
        return isinstance(value, Path)

    def dump(self, value: Path) -> Content:
        """Prepare for copying."""
        if not value.is_file():
            raise UserError(
                f"The file {value} cannot be stored.",
                "It is a folder." if value.is_dir() else "There is no such file.",
                "Return the path of one file that exists; pack a folder into an archive first.",
            )
        return Content(value.name, lambda path: _copy(value, path))

    def load(self, path: Path) -> Path:
        """Hand over the local copy."""
        return path


class Pickle:
    """Any other Python object."""

    kind = "pickle"

    def holds(self, value: object) -> bool:
        """Whatever it is, this is tried last."""
        return True

    def dump(self, value: object) -> Content:
        """Prepare for storing."""
        try:
            content = pickle.dumps(value, protocol=5)
        except (pickle.PicklingError, AttributeError, TypeError, RecursionError) as error:
            raise UserError(
                f"A value of type {type(value).__qualname__} cannot be stored.",
                f"It cannot be pickled: {error}.",
                "Return a table, a JSON-able value, the path of a file, or an object without lambda or open resource.",
            ) from error
        return Content("data.pickle", lambda path: _write(path, content))

    def load(self, path: Path) -> Any:
        """Read back, which runs what the pickle says; the store is the team's own."""
        return pickle.loads(path.read_bytes())  # noqa: S301


def _write(path: Path, content: bytes) -> None:
    path.write_bytes(content)


def _copy(source: Path, target: Path) -> None:
    shutil.copyfile(source, target)


def _is_json(value: object) -> bool:
    if value is None or type(value) in (str, bool, int):
        return True
    if type(value) is float:
        return math.isfinite(value)
    if type(value) is list:
        return all(map(_is_json, value))
    return type(value) is dict and all(type(name) is str for name in value) and all(map(_is_json, value.values()))
