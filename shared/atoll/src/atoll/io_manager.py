"""The Dagster IO manager that puts what assets return into the store."""

from collections.abc import Mapping
from typing import Any, get_origin

import dagster as dg

from atoll.configuration import settings
from atoll.errors import UserError
from atoll.formats import Content, File, Format, Json, Pickle
from atoll.packages import list_versions
from atoll.store import Artefact, Slot, Store
from atoll.tables import ArrowTable, PandasTable, PolarsTable

FORMATS: tuple[Format, ...] = (PandasTable(), PolarsTable(), ArrowTable(), File(), Json(), Pickle())


class StoreIOManager(dg.ConfigurableIOManager):
    """Stores tables as parquet, JSON-able values as JSON, files as they are, and anything else pickled.

    Store and profile are those of the settings, unless given here. What an asset annotated ``-> None`` makes is not
    stored; a None that is returned without that annotation is a value like any other.
    """

    url: str | None = None
    profile: str | None = None

    def handle_output(self, context: dg.OutputContext, obj: Any) -> None:
        """Store a value; in a run over a range of partitions, one value for each from a dict by partition key."""
        if not context.has_asset_partitions or context.has_partition_key:
            partition = context.asset_partition_key if context.has_asset_partitions else None
            found = self._put(context, partition, obj)
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

        With ``metadata={"allow_missing_partitions": True}`` on the input, partitions that were never made are left out.
        """
        if not context.has_asset_partitions:
            return self._get(self._slot(context, None))
        slots = {key: self._slot(context, key) for key in context.asset_partition_keys}
        annotation = context.dagster_type.typing_type
        if context.has_partition_key and len(slots) == 1 and (get_origin(annotation) or annotation) is not dict:
            return self._get(*slots.values())
        if context.definition_metadata.get("allow_missing_partitions"):
            slots = {key: slot for key, slot in slots.items() if self._store().get(slot) is not None}
        return {key: self._get(slot) for key, slot in slots.items()}

    def _store(self) -> Store:
        return Store(self.url or settings().store)

    def _slot(self, context: dg.OutputContext | dg.InputContext, partition: str | None) -> Slot:
        place = context.asset_key.path if context.has_asset_key else ("_runs", *context.get_identifier())
        return Slot(self.profile or settings().profile, tuple(place), partition)

    def _put(self, context: dg.OutputContext, partition: str | None, value: Any) -> dict[str, Any]:
        form = next(form for form in FORMATS if form.holds(value))
        content = form.dump(value)
        facts = {"kind": form.kind, "rows": content.rows, "columns": content.columns, "run_id": context.run_id}
        slot = self._slot(context, partition)
        store = self._store()
        return _describe(store, slot, store.put(slot, content.name, content.write, facts), content)

    def _get(self, slot: Slot) -> Any:
        store = self._store()
        artefact = store.get(slot)
        if artefact is None:
            raise UserError(
                f"{slot} cannot be loaded.",
                f"It was never materialized in the profile `{slot.profile}` of the store {store.url}.",
                f"Materialize it first: {_command(slot)}",
            )
        form = next(form for form in FORMATS if form.kind == artefact.facts["kind"])
        with store.open(artefact, keep=form.kind == File.kind) as path:
            try:
                return form.load(path)
            except (ImportError, AttributeError) as error:
                raise UserError(
                    f"{slot} cannot be loaded.",
                    f"It was stored as {form.kind}, and this environment lacks what reading that needs: {error}.",
                    f"Add what is missing to the project's dependencies, or materialize it again: {_command(slot)}",
                ) from error


def _describe(store: Store, slot: Slot, artefact: Artefact, content: Content) -> dict[str, Any]:
    metadata: dict[str, Any] = {
        "profile": slot.profile,
        "path": dg.MetadataValue.path(store.locate(artefact)),
        "size": artefact.size,
        "environment": list_versions(slot.asset[0]),
    }
    if content.rows is not None:
        metadata["dagster/row_count"] = content.rows
    if content.columns is not None:
        columns = [dg.TableColumn(name, kind) for name, kind in content.columns.items()]
        metadata["dagster/column_schema"] = dg.TableSchema(columns)
    if content.preview is not None:
        metadata["preview"] = dg.MetadataValue.md(content.preview)
    return metadata


def _command(slot: Slot) -> str:
    location, *asset = slot.asset
    options = [f"--partition {slot.partition}"] if slot.partition else []
    options += ["--full"] if slot.profile == "full" else []
    return " ".join([f"./atoll run {location} --select {'/'.join(asset)}", *options])
