"""The Dagster IO manager that puts what assets return into the store."""

import json
from collections.abc import Mapping
from typing import Any, get_origin

import dagster as dg
from pydantic import PrivateAttr

from atoll.columns import CONTRACT, compare_columns
from atoll.configuration import settings
from atoll.errors import UserError
from atoll.formats import Content
from atoll.manifest import UNVERSIONED
from atoll.provenance import begin_reading_commit, describe_origin
from atoll.store import ALL, Artefact, Slot, Store
from atoll.values import read, write


class StoreIOManager(dg.ConfigurableIOManager):
    """Stores tables as parquet, JSON-able values as JSON, files as they are, and anything else pickled.

    Store and profile are those of the settings, unless given here. What an asset annotated ``-> None`` makes is not
    stored; a None that is returned without that annotation is a value like any other.
    """

    url: str | None = None
    profile: str | None = None
    # Data versions by asset key and partition, of what each step of a run has loaded.
    _inputs: dict[tuple[str, str], dict[str, dict[str, str]]] = PrivateAttr(default_factory=dict)

    def setup_for_execution(self, context: dg.InitResourceContext) -> None:
        """Begin to ask git when a run begins: by the first value it has answered."""
        begin_reading_commit()

    def handle_output(self, context: dg.OutputContext, obj: Any) -> None:
        """Store a value; in a run over a range of partitions, one value for each from a dict by partition key."""
        if not context.has_asset_partitions or context.has_partition_key:
            partition = context.asset_partition_key if context.has_asset_partitions else None
            artefact, found = self._put(context, partition, obj)
            if context.has_asset_key:
                version = dg.DataVersion(artefact.manifest.data_version)
                dg.OpExecutionContext.get().set_data_version(context.asset_key, version)
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
        facts = {
            **describe_origin(slot.asset[0]),
            "run_id": context.run_id,
            "inputs": self._inputs.get((context.run_id, context.step_key), {}),
        }
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
        self._remember(context, artefact)
        return value

    def _remember(self, context: dg.InputContext, artefact: Artefact) -> None:
        """Note what a step has loaded, for the manifests of what it makes; outside of a run there is no step."""
        try:
            step = context.step_context
        except dg.DagsterInvariantViolationError:
            return
        versions = self._inputs.setdefault((step.run_id, step.step.key), {}).setdefault(artefact.slot.key, {})
        versions[artefact.slot.partition or ALL] = artefact.manifest.data_version


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
