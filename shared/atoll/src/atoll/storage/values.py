"""Values into the store and out of it: for the IO manager, and by key for scripts and notebooks."""

from collections.abc import Generator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

from atoll.configuration import settings
from atoll.errors import UserError
from atoll.storage.formats import Content, File, Format, Json, Pickle, Reference, ReferenceFormat
from atoll.storage.models import MlflowModel
from atoll.storage.store import ALL, Artefact, Slot, Store
from atoll.storage.tables import MODULES, ArrowTable, PandasTable, PolarsTable, read_table

FORMATS: tuple[Format, ...] = (
    PandasTable(),
    PolarsTable(),
    ArrowTable(),
    File(),
    ReferenceFormat(),
    MlflowModel(),
    Json(),
    Pickle(),
)
NAMED = 5
# Rows of a table that a model is shown with in MLflow.
HEAD = 5


def load(key: str, partition: str | None = None, profile: str | None = None, library: str | None = None) -> Any:
    """Load what an asset made, as in ``load("aviation_data/flights", partition="2013-03-17")``.

    Args:
        key: The asset's key.
        partition: The partition's key, for a partitioned asset.
        profile: ``sample`` or ``full``; None is that of the settings.
        library: For a table ``pandas``, ``polars`` or ``arrow``; None is the one that wrote it, or where that is not
            installed the first that is.

    Raises:
        UserError: There is no such value, or it cannot be loaded here.
    """
    store = Store(settings().store)
    artefact = find(store, key, partition, profile)
    value = read(store, artefact, library)
    reads = _READS.get()
    if reads is not None:
        reads.note(artefact, value)
    return value


@dataclass
class Reads:
    """What was loaded: data versions by asset key and partition, and the first rows of tables."""

    versions: dict[str, dict[str, str]] = field(default_factory=dict)
    heads: list[Any] = field(default_factory=list)

    def note(self, artefact: Artefact, value: Any) -> None:
        """Note that an artefact was loaded."""
        versions = self.versions.setdefault(artefact.slot.key, {})
        versions[artefact.slot.partition or ALL] = artefact.manifest.data_version
        if artefact.manifest.columns is not None and hasattr(value, "head"):
            self.heads.append(value.head(HEAD))


_READS: ContextVar[Reads | None] = ContextVar("reads", default=None)


@contextmanager
def noting_reads() -> Generator[Reads]:
    """Note what is loaded by ``load`` until the context ends."""
    token = _READS.set(Reads())
    try:
        yield _READS.get() or Reads()
    finally:
        _READS.reset(token)


def find(store: Store, key: str, partition: str | None = None, profile: str | None = None) -> Artefact:
    """Look up the current artefact of an asset, by the names that people use.

    Raises:
        UserError: There is none; the reason says what there is.
    """
    parts = tuple(key.split("/"))
    if len(parts) < 2 or not all(parts):
        raise UserError(
            f"`{key}` is not the key of an asset.",
            "A key is the code location and the asset's name.",
            "Write it as location/asset, such as vehicle_prices/model; ./atoll store ls shows what there is.",
        )
    slot = Slot(profile or settings().profile, parts, partition)
    found = store.get(slot)
    if found is None:
        raise _explain_missing(store, slot)
    return found


def write(store: Store, slot: Slot, value: Any, facts: Mapping[str, Any]) -> tuple[Artefact, Content]:
    """Store a value in the first format that holds it; hashing goes on beside writing.

    Args:
        store: Where to.
        slot: Where it belongs.
        value: What to store.
        facts: Fields of the manifest that do not follow from the value.

    Raises:
        UserError: The value cannot be stored, or the store cannot be written.
    """
    form = next(form for form in FORMATS if form.holds(value))
    content = form.dump(value)
    known = {**facts, "format": form.kind, "rows": content.rows, "columns": content.columns}

    def write(path: Path) -> None:
        with ThreadPoolExecutor(1) as pool:
            version = pool.submit(content.version) if content.version else None
            content.write(path)
            if version:
                known["data_version"] = version.result()

    return store.put(slot, content.name, write, known), content


def read(store: Store, artefact: Artefact, library: str | None = None, columns: Sequence[str] | None = None) -> Any:
    """Read an artefact's value.

    Args:
        store: Where it is.
        artefact: What to read.
        library: For a table ``pandas``, ``polars`` or ``arrow``.
        columns: Of a table only these columns.

    Raises:
        UserError: The store cannot be read, the file is damaged, or this environment cannot hold the value.
    """
    slot, kind = artefact.slot, artefact.manifest.format
    if kind not in MODULES and (library or columns is not None):
        raise UserError(
            f"{slot} cannot be loaded by library or columns.",
            f"It is no table: it was stored as {kind}.",
            "Leave them out.",
        )
    with store.open(artefact, keep=kind == File.kind) as path:
        try:
            if kind in MODULES:
                return read_table(path, kind, library, columns)
            value = next(form for form in FORMATS if form.kind == kind).load(path)
        except (ImportError, AttributeError) as error:
            raise UserError(
                f"{slot} cannot be loaded.",
                f"It was stored as {kind}, and this environment lacks what reading that needs: {error}.",
                f"Add what is missing to the project's dependencies, or materialize it again: {slot.command}",
            ) from error
        except (OSError, ValueError, EOFError, UnpicklingError) as error:
            raise UserError(
                f"{slot} cannot be loaded.",
                f"The file {store.locate(artefact.path)} is damaged: {error}.",
                f"See ./atoll store verify, and materialize it again: {slot.command}",
            ) from error
    return _follow(store, slot, value) if isinstance(value, Reference) else value


def _follow(store: Store, slot: Slot, reference: Reference) -> Any:
    artefact = store.read_version(reference.artefact)
    if artefact is None:
        raise UserError(
            f"{slot} cannot be loaded.",
            f"It is the artefact {store.locate(reference.artefact)}, which is not there.",
            f"Restore it, or materialize it again: {slot.command}",
        )
    return read(store, artefact)


def _explain_missing(store: Store, slot: Slot) -> UserError:
    """Say what there is instead."""
    what = f"{slot} cannot be loaded."
    where = f"in the profile `{slot.profile}` of the store {store.url}"
    made = [found.partition for found in store.list_slots(slot.key, slot.profile) if found.asset == slot.asset]
    others = sorted(
        {found.profile for found in store.list_slots(slot.key) if found.asset == slot.asset} - {slot.profile}
    )
    make = f"Materialize it first: {slot.command}"
    if made == [None] and slot.partition:
        return UserError(what, f"The asset has no partitions {where}.", "Leave out the partition.")
    if made and made != [None]:
        names = sorted(name for name in made if name)
        some = ", ".join([*names[:NAMED], "..."] if len(names) > NAMED else names)
        if slot.partition is None:
            return UserError(what, f"It has partitions {where}: {some}.", f"Name one, such as {names[-1]}.")
        return UserError(what, f"This partition was never materialized {where}; there are {some}.", make)
    if others:
        hint = f"There it is in the profile `{others[0]}`."
        return UserError(what, f"It was never materialized {where}. {hint}", f"{make}, or name that profile.")
    return UserError(what, f"It was never materialized {where}; {_name_some(store, slot)}.", make)


def _name_some(store: Store, slot: Slot) -> str:
    """Name assets of the location, or of any, that the store has."""
    for prefix in (slot.asset[0], ""):
        keys = dict.fromkeys(found.key for found in islice(store.list_slots(prefix, slot.profile), 1_000))
        if keys:
            return f"it has {', '.join([*list(keys)[:NAMED], '...'] if len(keys) > NAMED else keys)}"
    return "it is empty"
