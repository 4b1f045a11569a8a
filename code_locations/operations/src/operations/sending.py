"""Tracking records, sent to MLflow: each arrives once, however often it is sent."""

import base64
import json
import re
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, Param, Run, RunTag
from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient
from mlflow.utils.mlflow_tags import (
    MLFLOW_DATASET_CONTEXT,
    MLFLOW_GIT_COMMIT,
    MLFLOW_PARENT_RUN_ID,
    MLFLOW_RUN_NAME,
    MLFLOW_RUN_NOTE,
)

from atoll.storage.manifest import Manifest
from atoll.storage.models import MlflowModel, unpack
from atoll.storage.store import Store
from atoll.tracking.records import Record
from operations.answers import answering

RUN, RECORD = "dagster/run_id", "atoll/record"
# What MLflow accepts at most, of a parameter or tag, and of a data set's digest.
LONGEST, LONGEST_DIGEST = 5_000, 36


@dataclass(frozen=True)
class Delivery:
    """A record with its run in MLflow, or with why MLflow refuses it: then it stays pending."""

    record: Record
    address: str | None = None
    refusal: str | None = None


class Sender:
    """Writes records into MLflow, one experiment for each code location.

    A record with a step is an MLflow run for itself, below one for the Dagster run; a record without step ends the
    latter.
    """

    def __init__(self, uri: str, store: Store, page: str, tracking_page: str | None = None) -> None:
        """Name both sides; nothing is asked yet.

        Args:
            uri: MLflow's tracking URI: the address of a server, or the URL of its database.
            store: Where models lie.
            page: Address of Dagster's page, for links.
            tracking_page: Address of MLflow's page, where it is not the tracking URI.
        """
        self._client = MlflowClient(uri)
        self._uri = uri
        self._store = store
        self._page = page
        self._tracking_page = tracking_page or uri

    def deliver(self, record: Record) -> Delivery:
        """Send one record.

        Raises:
            UnreachableError: MLflow does not answer.
            UserError: The store cannot be read.
        """
        try:
            with answering(self._uri):
                experiment = self._experiment(record.location)
                run = self._send(experiment, record)
        except MlflowException as error:
            return Delivery(record, refusal=str(error))
        page = self._tracking_page.rstrip("/")
        return Delivery(record, f"{page}/#/experiments/{experiment}/runs/{run}" if page.startswith("http") else run)

    def _send(self, experiment: str, record: Record) -> str:
        parent = self._parent(experiment, record) if record.run_id else None
        if record.step is None and parent is not None:
            self._client.set_terminated(parent.info.run_id, record.status, _milliseconds(record.ended))
            return parent.info.run_id
        return self._child(experiment, record, parent)

    def _experiment(self, location: str) -> str:
        found = self._client.get_experiment_by_name(location)
        if found is not None:
            return found.experiment_id
        # A server knows where artifacts go; beside a database on this machine it is the folder that the server takes.
        database = self._uri.removeprefix("sqlite:///")
        place = None if database == self._uri else (Path(database).parent / "artifacts" / location).as_uri()
        return self._client.create_experiment(location, artifact_location=place)

    def _parent(self, experiment: str, record: Record) -> Run:
        tags = {RUN: record.run_id or "", "atoll/profile": record.profile, **self._link(record)}
        name = " ".join(filter(None, ["Dagster run", (record.run_id or "")[:8], record.partition]))
        found = self._find(experiment, f"tags.`{RUN}` = '{record.run_id}' and tags.`{RECORD}` = 'none'")
        return found or self._create(experiment, record, name, {**tags, RECORD: "none"})

    def _child(self, experiment: str, record: Record, parent: Run | None) -> str:
        run = self._find(experiment, f"tags.`{RECORD}` = '{record.id}'")
        if run is None:
            above = {MLFLOW_PARENT_RUN_ID: parent.info.run_id} if parent else {}
            name = record.asset.partition("/")[2] + (f" {record.partition}" if record.partition else "")
            run = self._create(experiment, record, name, {RECORD: record.id, **above, **self._link(record)})
        run_id = run.info.run_id
        if run.info.status == "RUNNING":
            self._fill(run_id, record)
            self._client.set_terminated(run_id, record.status, _milliseconds(record.ended))
        return run_id

    def _find(self, experiment: str, condition: str) -> Run | None:
        return next(iter(self._client.search_runs([experiment], condition, max_results=1)), None)

    def _create(self, experiment: str, record: Record, name: str, tags: dict[str, str]) -> Run:
        return self._client.create_run(
            experiment, start_time=_milliseconds(record.started), tags={**tags, MLFLOW_RUN_NAME: name}, run_name=name
        )

    def _link(self, record: Record) -> dict[str, str]:
        """A description with the way back to Dagster's page."""
        if record.run_id is None:
            return {}
        lines = [f"[The run in Dagster]({self._page}/runs/{record.run_id})"]
        if record.step:
            lines.append(f"[The asset in Dagster]({self._page}/assets/{record.asset})")
        return {MLFLOW_RUN_NOTE: "  \n".join(lines)}

    def _fill(self, run_id: str, record: Record) -> None:
        self._client.log_batch(
            run_id,
            metrics=list(_list_metrics(record)),
            params=[Param(_name(name), _text(value)) for name, value in record.parameters.items()],
            tags=[RunTag(name, _text(value)) for name, value in _describe(record).items() if value is not None],
        )
        if record.manifest is not None:
            self._client.log_inputs(run_id, list(_list_inputs(record.manifest)))
        with tempfile.TemporaryDirectory(prefix="atoll-") as place:
            folder = Path(place)
            self._lay_out(record, folder)
            if any(folder.iterdir()):
                self._client.log_artifacts(run_id, str(folder))

    def _lay_out(self, record: Record, folder: Path) -> None:
        """Write what MLflow keeps as files: the model as the folder ``model``, plots, and the record as JSON."""
        for name, picture in record.plots.items():
            path = folder / "plots" / f"{name.replace('/', '-')}.png"
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(base64.b64decode(picture))
        if record.manifest is not None and record.artefact is not None:
            (folder / "manifest.json").write_text(json.dumps(asdict(record.manifest), indent=1, default=str))
            if record.manifest.format == MlflowModel.kind:
                artefact = self._store.read_version(record.artefact)
                if artefact is not None:
                    with self._store.open(artefact) as path:
                        unpack(path, folder / "model")


def _describe(record: Record) -> dict[str, Any]:
    manifest = record.manifest
    known = {
        "dagster/asset_key": record.asset,
        "dagster/partition": record.partition,
        "dagster/code_location": record.location,
        RUN: record.run_id,
        "dagster/step": record.step,
        "dagster/retry": record.retry,
        "atoll/profile": record.profile,
        "atoll/error": record.error,
    }
    if manifest is None:
        return known
    return {
        **known,
        MLFLOW_GIT_COMMIT: manifest.commit,
        "atoll/artefact": record.artefact,
        "atoll/data_version": manifest.data_version,
        "atoll/code_version": manifest.code_version,
        "atoll/lock": manifest.lock,
        "atoll/image": manifest.image,
        "atoll/inputs": json.dumps(manifest.inputs),
        **{f"version/{name}": version for name, version in manifest.packages.items()},
    }


def _list_metrics(record: Record) -> Iterator[Metric]:
    time = _milliseconds(record.ended)
    values = {name: [(0, value)] for name, value in record.metrics.items()} | record.history
    for name, points in values.items():
        for step, value in points:
            yield Metric(_name(name), value, time, step)


def _list_inputs(manifest: Manifest) -> Iterator[DatasetInput]:
    for key, versions in manifest.inputs.items():
        for partition, version in versions.items():
            source = json.dumps({"asset": key, "partition": partition, "data_version": version})
            dataset = Dataset(f"{key} {partition}", version[:LONGEST_DIGEST], "atoll", source)
            yield DatasetInput(dataset, [InputTag(MLFLOW_DATASET_CONTEXT, "input")])


def _name(name: str) -> str:
    """Name as MLflow accepts one."""
    return re.sub(r"[^\w\-. :/]", "_", name)


def _text(value: Any) -> str:
    return (value if isinstance(value, str) else json.dumps(value, default=str))[:LONGEST]


def _milliseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)
