"""What MLflow is to know of a materialization: a record in the store's journal, which is sent from there."""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Any, Literal

from pydantic import TypeAdapter

from atoll.storage.journal import Journal
from atoll.storage.manifest import Manifest

KIND = "mlflow"
METRIC = "metric/"
PENDING, SENT = "tracking/pending", "tracking/sent"
_PICTURE = re.compile(r"data:image/png;base64,([A-Za-z0-9+/=]+)")

Status = Literal["FINISHED", "FAILED", "KILLED"]


@dataclass(frozen=True)
class Record:
    """One materialization of a tracked asset, or an attempt at one.

    ``status`` is one of MLflow's. ``run_id`` and ``step`` are Dagster's, None outside of a run; ``retry`` counts from
    0. ``artefact`` is the path of its folder in the store and ``manifest`` what is known about it, both None where
    nothing was made. ``history`` has metrics with several values, as ``(step, value)``. ``plots`` are PNG files in
    base64, by name. ``error`` is what went wrong.
    """

    asset: str
    partition: str | None
    profile: str
    status: Status
    started: datetime
    ended: datetime
    run_id: str | None = None
    step: str | None = None
    retry: int = 0
    artefact: str | None = None
    manifest: Manifest | None = None
    parameters: dict[str, Any] = field(default_factory=dict)
    metrics: dict[str, float] = field(default_factory=dict)
    history: dict[str, list[tuple[int, float]]] = field(default_factory=dict)
    plots: dict[str, str] = field(default_factory=dict)
    error: str | None = None

    @property
    def location(self) -> str:
        """The code location."""
        return self.asset.partition("/")[0]

    @property
    def id(self) -> str:
        """What is the same however often it is written or sent: the end, and a hash of which attempt it was."""
        attempt = [self.asset, self.partition, self.profile, self.run_id, self.step, self.retry, self.artefact]
        return f"{self.ended:%Y%m%dT%H%M%S%fZ}-{sha256(repr(attempt).encode()).hexdigest()[:12]}"


_RECORD = TypeAdapter(Record)


def add_record(journal: Journal, record: Record) -> None:
    """Write a record, from now on to be sent.

    Raises:
        UserError: The store cannot be written.
    """
    journal.add(f"{PENDING}/{record.id}.json", _RECORD.dump_json(record, indent=1))


def list_pending(journal: Journal) -> Iterator[Record]:
    """Read the records that were not sent yet, oldest first.

    Raises:
        UserError: The store cannot be read.
    """
    return map(_RECORD.validate_json, journal.read_all(PENDING))


def mark_sent(journal: Journal, record: Record) -> None:
    """Put a record away that MLflow has.

    Raises:
        UserError: The store cannot be written.
    """
    journal.move(f"{PENDING}/{record.id}.json", f"{SENT}/{record.location}/{record.id}.json")


def send_again(journal: Journal, location: str, artefacts: Collection[str]) -> None:
    """Put back what was sent of the runs that made artefacts, where MLflow has lost them.

    Raises:
        UserError: The store cannot be used.
    """
    folder = f"{SENT}/{location}"
    sent = list(map(_RECORD.validate_json, journal.read_all(folder)))
    runs = {record.run_id for record in sent if record.artefact in artefacts}
    for record in sent:
        if record.run_id in runs:
            journal.move(f"{folder}/{record.id}.json", f"{PENDING}/{record.id}.json")


def find_metrics(metadata: Mapping[str, Any]) -> dict[str, float]:
    """Pick the numbers under ``metric/<name>``, by name."""
    values = {name.removeprefix(METRIC): _value(entry) for name, entry in metadata.items() if name.startswith(METRIC)}
    return {name: float(value) for name, value in values.items() if isinstance(value, int | float)}


def find_plots(metadata: Mapping[str, Any]) -> dict[str, str]:
    """Pick the pictures that ``atoll.plot`` made, as PNG in base64, by name."""
    found = {name: _PICTURE.search(str(_value(entry))) for name, entry in metadata.items()}
    return {name: picture.group(1) for name, picture in found.items() if picture}


def find_parameters(configuration: Any, model: Any = None) -> dict[str, Any]:
    """Flatten a configuration, ``parameters.max_iter`` for what is nested, and add what the model says of itself.

    Args:
        configuration: The configuration of an asset.
        model: A model; of ``get_params()``, as scikit-learn's estimators have it, what is text, number or None.
    """
    said = model.get_params() if callable(getattr(model, "get_params", None)) else {}
    scalars = {name: value for name, value in said.items() if isinstance(value, str | int | float | bool | None)}
    return {**scalars, **dict(_flatten(configuration, ""))}


def _flatten(value: Any, name: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        for key, entry in value.items():
            yield from _flatten(entry, f"{name}.{key}" if name else str(key))
    elif name:
        yield name, value


def _value(entry: Any) -> Any:
    """The value of an entry of metadata, in Dagster's wrapping or without."""
    return getattr(entry, "value", entry)
