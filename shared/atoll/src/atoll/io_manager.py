"""The Dagster IO manager that puts what assets return into the store."""

import json
from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any, get_origin

import dagster as dg
from pydantic import Field

from atoll.configuration import settings
from atoll.errors import UserError
from atoll.run_tags import PROFILE, TRACKED
from atoll.storage.columns import CONTRACT, compare_columns
from atoll.storage.formats import Content
from atoll.storage.journal import Journal
from atoll.storage.manifest import UNVERSIONED
from atoll.storage.models import Trained, find_example, is_model
from atoll.storage.provenance import begin_reading_commit, describe_origin
from atoll.storage.store import Artefact, Slot, Store
from atoll.storage.values import read, write
from atoll.tracking.records import Record, add_record, find_metrics, find_parameters, find_plots
from atoll.tracking.steps import find_step


class StoreIOManager(dg.ConfigurableIOManager):
    """Stores tables as parquet, JSON-able values as JSON, files as they are, models as MLflow does, the rest pickled.

    Store and profile are those of the settings, unless given here. What an asset annotated ``-> None`` makes is not
    stored; a None that is returned without that annotation is a value like any other. What is made of the assets
    ``tracked`` (by key) is recorded for MLflow too.
    """

    url: str | None = None
    profile: str | None = None
    tracked: list[str] = Field(default_factory=list)

    def setup_for_execution(self, context: dg.InitResourceContext) -> None:
        """Begin to ask git when a run begins, and mark the run if MLflow is to know how it ends."""
        begin_reading_commit()
        run, instance = context.run, context.instance
        if run and instance and run.job_name:
            selected = {key.to_user_string() for key in run.asset_selection or ()}
            tracked = sorted(selected & set(self.tracked) if selected else self.tracked)
            if tracked and TRACKED not in run.tags:
                profile = self.profile or settings().profile
                instance.add_run_tags(run.run_id, {TRACKED: ",".join(tracked), PROFILE: profile})

    def handle_output(self, context: dg.OutputContext, obj: Any) -> None:
        """Store a value; in a run over a range of partitions, one value for each from a dict by partition key."""
        if not context.has_asset_partitions or context.has_partition_key:
            partition = context.asset_partition_key if context.has_asset_partitions else None
            artefact, found = self._put(context, partition, obj)
            if context.has_asset_key:
                version = dg.DataVersion(artefact.manifest.data_version)
                dg.OpExecutionContext.get().set_data_version(context.asset_key, version)
            if context.has_asset_key and context.asset_key.to_user_string() in self.tracked:
                self._track(context, artefact, obj)
            own = context.output_metadata
            context.add_output_metadata({name: entry for name, entry in found.items() if name not in own})
            return
        keys = context.asset_partition_keys
        if not isinstance(obj, Mapping) or set(obj) != set(keys):
            raise UserError(
                f"The value of {context.asset_key.to_user_string()} cannot be stored.",
                f"The run is over {len(keys)} partitions, and the value is not a dict with one value for each.",
                "Return a dict by partition key, or give the asset BackfillPolicy.multi_run().",
            )
        for key in keys:
            self._put(context, key, obj[key])

    def load_input(self, context: dg.InputContext) -> Any:
        """Load a value; of several partitions, or where the input is annotated ``dict``, a dict by partition key.

        The input's metadata may ask for a table's ``library`` (``pandas``, ``polars`` or ``arrow``) and ``columns``.
        With ``allow_missing_partitions``, partitions that were never made are left out.
        """
        if not context.has_asset_partitions:
            return self._get(context, self._slot(context, None))
        slots = {key: self._slot(context, key) for key in context.asset_partition_keys}
        annotation = context.dagster_type.typing_type
        if context.has_partition_key and len(slots) == 1 and (get_origin(annotation) or annotation) is not dict:
            return self._get(context, *slots.values())
        if context.definition_metadata.get("allow_missing_partitions"):
            slots = {key: slot for key, slot in slots.items() if self._store().get(slot) is not None}
        return {key: self._get(context, slot) for key, slot in slots.items()}

    def _store(self) -> Store:
        return Store(self.url or settings().store)

    def _slot(self, context: dg.OutputContext | dg.InputContext, partition: str | None) -> Slot:
        place = context.asset_key.path if context.has_asset_key else ("_runs", *context.get_identifier())
        return Slot(self.profile or settings().profile, tuple(place), partition)

    def _put(self, context: dg.OutputContext, partition: str | None, value: Any) -> tuple[Artefact, dict[str, Any]]:
        slot = self._slot(context, partition)
        reads = find_step(context.run_id, context.step_key, _count_retries()).reads
        facts: dict[str, Any] = {
            **describe_origin(slot.asset[0]),
            "run_id": context.run_id,
            "inputs": reads.versions,
        }
        if is_model(value):
            value = Trained(value, find_example(value, reads.heads), facts["packages"])
        if context.has_asset_key:
            facts["code_version"] = context.asset_spec.code_version or UNVERSIONED
            facts["configuration"] = _configure(dg.OpExecutionContext.get())
        store = self._store()
        artefact, content = write(store, slot, value, facts)
        return artefact, _describe(store, artefact, content)

    def _get(self, context: dg.InputContext, slot: Slot) -> Any:
        store = self._store()
        artefact = store.get(slot)
        if artefact is None:
            raise UserError(
                f"{slot} cannot be loaded.",
                f"It was never materialized in the profile `{slot.profile}` of the store {store.url}.",
                f"Materialize it first: {slot.command}",
            )
        _hold_to_contract(context, artefact)
        wish = context.definition_metadata
        value = read(store, artefact, wish.get("library"), wish.get("columns"))
        self._remember(context, artefact, value)
        return value

    def _remember(self, context: dg.InputContext, artefact: Artefact, value: Any) -> None:
        """Note what a step has loaded, for the manifests of what it makes; outside of a run there is no step."""
        try:
            execution = context.step_context
        except dg.DagsterInvariantViolationError:
            return
        find_step(execution.run_id, execution.step.key, execution.previous_attempt_count).reads.note(artefact, value)

    def _track(self, context: dg.OutputContext, artefact: Artefact, value: Any) -> None:
        manifest, metadata, retry = artefact.manifest, context.output_metadata, _count_retries()
        step = find_step(context.run_id, context.step_key, retry)
        record = Record(
            asset=manifest.asset,
            partition=manifest.partition,
            profile=manifest.profile,
            status="FINISHED",
            started=step.started,
            ended=datetime.now(timezone.utc),
            run_id=context.run_id,
            step=context.step_key,
            retry=retry,
            artefact=artefact.folder,
            manifest=manifest,
            parameters={**find_parameters(manifest.configuration, value), **step.notes.parameters},
            metrics={**step.notes.metrics, **find_metrics(metadata)},
            history=step.notes.history,
            plots={**step.notes.plots, **find_plots(metadata)},
        )
        add_record(Journal(self.url or settings().store), record)


def _count_retries() -> int:
    return dg.OpExecutionContext.get().retry_number


def _hold_to_contract(context: dg.InputContext, artefact: Artefact) -> None:
    """Refuse a table of another code location that lacks what its contract promises."""
    upstream = context.upstream_output
    contract = upstream.definition_metadata.get(CONTRACT) if upstream else None
    if contract is None:
        return
    differences = list(compare_columns(contract.value["columns"], artefact.manifest.columns or {}))
    if differences:
        raise UserError(
            f"{artefact.slot} is not what its contract promises.",
            f"{'; '.join(differences)}.",
            f"Ask {', '.join(contract.value['owners'])} for it as it was, or see ./atoll check.",
        )


def _configure(execution: dg.OpExecutionContext) -> Any:
    """Configuration of the step, with its defaults; what came out of environment variables is named, not shown."""
    ops: Any = execution.run_config.get("ops", {})
    given = ops.get(execution.op_handle.name, {}).get("config")
    return json.loads(json.dumps(_hide(execution.op_config, given), default=str))


def _hide(config: Any, given: Any) -> Any:
    if isinstance(given, Mapping) and set(given) == {"env"} and config != given:
        return dict(given)
    if isinstance(config, Mapping) and isinstance(given, Mapping):
        return {name: _hide(value, given.get(name)) for name, value in config.items()}
    return config


def _describe(store: Store, artefact: Artefact, content: Content) -> dict[str, Any]:
    manifest = artefact.manifest
    metadata: dict[str, Any] = {
        "profile": manifest.profile,
        "path": dg.MetadataValue.path(store.locate(artefact.path)),
        "size": manifest.size,
        "environment": manifest.packages,
    }
    if content.rows is not None:
        metadata["dagster/row_count"] = content.rows
    if content.columns is not None:
        columns = [dg.TableColumn(name, kind) for name, kind in content.columns.items()]
        metadata["dagster/column_schema"] = dg.TableSchema(columns)
    if content.preview is not None:
        metadata["preview"] = dg.MetadataValue.md(content.preview)
    return metadata
