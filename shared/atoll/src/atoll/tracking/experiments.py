"""Tracking in a script or a notebook, as an asset is tracked."""

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from atoll.configuration import settings
from atoll.errors import UserError
from atoll.storage.journal import Journal
from atoll.storage.models import Trained, find_example, is_model
from atoll.storage.provenance import begin_reading_commit, describe_origin
from atoll.storage.store import Artefact, Slot, Store
from atoll.storage.values import Reads, noting_reads, write
from atoll.tracking.notes import Notes
from atoll.tracking.records import Record, Status, add_record, find_parameters

PLACE = "tracked"


@dataclass
class TrackedRun(Notes):
    """What is noted until the block ends."""

    model: Any = None
    example: Any = None

    def log_model(self, model: Any, example: Any = None) -> None:
        """Keep a model, in MLflow's format.

        Args:
            model: Whatever can predict.
            example: A pandas table that it can predict, to be shown with it; by default of the first table that the
                block has loaded.

        Raises:
            UserError: It cannot predict, or MLflow is not installed.
        """
        if not is_model(model):
            raise UserError(
                f"A value of type {type(model).__qualname__} is not kept as a model.",
                "It has no method `predict`, or MLflow is not installed here.",
                "Give it one, or add atoll[tracking] to the project's dependencies.",
            )
        self.model, self.example = model, example


@contextmanager
def tracked(name: str, parameters: Mapping[str, Any] | None = None) -> Generator[TrackedRun]:
    """Track what a block does, for code that no asset runs.

    In ``with tracked("flight_delays/splines") as run:`` the block notes ``run.log_metric("auc", 0.71)``. The record has
    what was noted, the commit and packages, and the data versions of what the block loaded by ``atoll.load``. It is
    written when the block ends, also by an error, and is sent to MLflow from the store.

    Args:
        name: The code location, which is the experiment, and a name for it.
        parameters: What is tried.

    Raises:
        UserError: The name is not one, or the store cannot be written.
    """
    location, _, own = name.partition("/")
    if not location or not own:
        raise UserError(
            f"`{name}` is not a name to track by.",
            "It is the code location and a name of your own.",
            'Write it as location/name, such as "flight_delays/splines".',
        )
    begin_reading_commit()
    run, started = TrackedRun(parameters=dict(parameters or {})), datetime.now(timezone.utc)
    with noting_reads() as reads:
        try:
            yield run
        except BaseException as error:
            killed = isinstance(error, KeyboardInterrupt | SystemExit)
            _write(name, run, reads, started, "KILLED" if killed else "FAILED", f"{type(error).__name__}: {error}")
            raise
    _write(name, run, reads, started, "FINISHED")


def _write(
    name: str, run: TrackedRun, reads: Reads, started: datetime, status: Status, error: str | None = None
) -> None:
    location, _, own = name.partition("/")
    store, slot = Store(settings().store), Slot(settings().profile, (location, PLACE, *own.split("/")))
    artefact = _keep(store, slot, run, reads) if status == "FINISHED" else None
    record = Record(
        asset=slot.key,
        partition=None,
        profile=slot.profile,
        status=status,
        started=started,
        ended=datetime.now(timezone.utc),
        artefact=artefact.folder if artefact else None,
        manifest=artefact.manifest if artefact else None,
        parameters=find_parameters(run.parameters, run.model),
        metrics=run.metrics,
        history=run.history,
        plots=run.plots,
        error=error,
    )
    add_record(Journal(settings().store), record)


def _keep(store: Store, slot: Slot, run: TrackedRun, reads: Reads) -> Artefact:
    """Store the model, or without one what was measured."""
    origin = describe_origin(slot.asset[0])
    value: Any = run.metrics
    if run.model is not None:
        example = run.example if run.example is not None else find_example(run.model, reads.heads)
        value = Trained(run.model, example, origin["packages"])
    facts = {**origin, "inputs": reads.versions, "configuration": run.parameters}
    return write(store, slot, value, facts)[0]
