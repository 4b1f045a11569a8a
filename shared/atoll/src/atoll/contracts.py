"""Contracts: what one code location lends and another takes, by key, without either importing the other."""

import json
from collections.abc import Mapping
from datetime import timedelta
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import dagster as dg

from atoll.configuration import settings
from atoll.errors import UserError
from atoll.storage.columns import CONTRACT, SCHEMA, compare_columns
from atoll.storage.store import Slot, Store


def take(key: str, by: str) -> dg.AssetSpec:
    """Take an asset of another code location by its contract, which says its partitions, columns and owners.

    Args:
        key: The asset, as ``<code location>/<asset>``.
        by: The code location that takes it; its package holds the contract, which ``./atoll sync`` writes.

    Raises:
        UserError: The contract is not there.
    """
    path = _locate(key, by)
    if not path.is_file():
        raise UserError(
            f"There is no contract for {key} in {by}.",
            f"There is no file {path}.",
            f'Write "{key}" under takes in [tool.atoll] of pyproject.toml, and run ./atoll sync {by}.',
        )
    contract = json.loads(path.read_text())
    columns = [dg.TableColumn(name, kind) for name, kind in contract["columns"].items()]
    return dg.AssetSpec(
        dg.AssetKey.from_user_string(key),
        description=contract["description"],
        owners=contract["owners"],
        group_name=key.partition("/")[0],
        partitions_def=_read_partitions(contract["partitions"]),
        metadata={CONTRACT: dg.JsonMetadataValue(contract), SCHEMA: dg.TableSchema(columns)},
    )


def _locate(key: str, by: str) -> Path:
    spec = find_spec(by)
    if spec is None or spec.origin is None:
        raise UserError(
            f"There is no code location {by}.", "No package of that name is installed here.", "Name the own one."
        )
    return Path(spec.origin).parent.joinpath("contracts", *key.split("/")).with_suffix(".json")


def publish(defs: dg.Definitions, key: str) -> dict[str, Any]:
    """Make the contract of an asset that a code location lends.

    Returns:
        ``asset``, ``description``, ``owners``, ``columns`` (name to Arrow type), ``partitions`` (None, ``keys``, or
        ``start``, ``end``, ``format``, ``cron_schedule``, ``timezone``) and ``freshness`` (None, or ``warn`` and
        ``fail`` in seconds).

    Raises:
        UserError: There is no such asset, or something that a borrower relies on is not stated.
    """
    graph = defs.resolve_asset_graph()
    asset = dg.AssetKey.from_user_string(key)
    if asset not in graph.materializable_asset_keys:
        raise UserError(
            f"{key} is lent and does not exist.", "No asset has that key.", "Make it, or take it out of lends."
        )
    node = graph.get(asset)
    schema = node.metadata.get(SCHEMA)
    missing = [
        name
        for name, value in (("column_schema", schema), ("owners", node.owners), ("description", node.description))
        if not value
    ]
    if missing:
        raise UserError(
            f"{key} is lent without {' and '.join(missing)}.",
            "Who borrows it relies on them.",
            f'State them on the asset; columns as metadata={{"{SCHEMA}": dg.TableSchema(...)}}.',
        )
    return {
        "asset": key,
        "description": node.description,
        "owners": list(node.owners),
        "columns": _describe_columns(schema),
        "partitions": _describe_partitions(key, node.partitions_def),
        "freshness": _describe_freshness(node.freshness_policy),
    }


def _describe_columns(schema: Any) -> dict[str, str]:
    table: dg.TableSchema = schema.value if isinstance(schema, dg.MetadataValue) else schema
    return {column.name: column.type for column in table.columns}


def _describe_partitions(key: str, found: dg.PartitionsDefinition | None) -> dict[str, Any] | None:
    if found is None:
        return None
    if isinstance(found, dg.StaticPartitionsDefinition):
        return {"keys": list(found.get_partition_keys())}
    if isinstance(found, dg.TimeWindowPartitionsDefinition):
        return {
            "start": found.start.strftime(found.fmt),
            "end": found.end and found.end.strftime(found.fmt),
            "format": found.fmt,
            "cron_schedule": found.cron_schedule,
            "timezone": found.timezone,
        }
    raise UserError(
        f"{key} cannot be lent.",
        f"A contract cannot describe partitions of the kind {type(found).__name__}.",
        "Give it partitions by time windows or static ones.",
    )


def _read_partitions(found: Mapping[str, Any] | None) -> dg.PartitionsDefinition | None:
    if found is None:
        return None
    if "keys" in found:
        return dg.StaticPartitionsDefinition(found["keys"])
    return dg.TimeWindowPartitionsDefinition(
        start=found["start"],
        end=found["end"],
        fmt=found["format"],
        cron_schedule=found["cron_schedule"],
        timezone=found["timezone"],
    )


def _describe_freshness(policy: Any) -> dict[str, float] | None:
    window: timedelta | None = getattr(policy, "fail_window", None)
    if window is None:
        return None
    warn = getattr(policy, "warn_window", None)
    return {"warn": _seconds(warn or window), "fail": _seconds(window)}


def _seconds(window: Any) -> float:
    return window.total_seconds() if isinstance(window, timedelta) else window.to_timedelta().total_seconds()


def contract_check(asset: dg.AssetsDefinition, name: str = "contract") -> dg.AssetChecksDefinition:
    """Make a blocking check that what is stored has the columns that the asset promises, with their types.

    It reads what the store knows of the table, not the table; one check per partition.

    Args:
        asset: A lent asset with a column schema.
        name: The check's name.
    """
    promised = {column.name: column.type for column in asset.metadata_by_key[asset.key][SCHEMA].columns}

    @dg.asset_check(
        asset=asset,
        name=name,
        blocking=True,
        partitions_def=asset.partitions_def,
        description="The table has the columns and types that other code locations rely on.",
    )
    def check(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
        partition = context.partition_key if asset.partitions_def else None
        artefact = Store(settings().store).get(Slot(settings().profile, tuple(asset.key.path), partition))
        found = artefact.manifest.columns if artefact else None
        differences = list(compare_columns(promised, found or {}))
        return dg.AssetCheckResult(
            passed=not differences,
            description="; ".join(differences) or f"All {len(promised)} promised columns are there.",
        )

    return check
