"""Reasons to train a model again, as Dagster's event log has them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import dagster as dg
from dagster._core.definitions.data_version import DATA_VERSION_TAG
from dagster._core.storage.dagster_run import NOT_FINISHED_STATUSES

from atoll.automation.checks import find_failed
from atoll.configuration import read_settings
from atoll.errors import UserError

if TYPE_CHECKING:
    from dagster._core.definitions.assets.graph.asset_graph import AssetGraph


@dataclass(frozen=True)
class Trigger:
    """What is watched: the content of an asset, or one of its checks."""

    asset: dg.AssetKey
    check: str | None = None

    @property
    def reason(self) -> str:
        """What it is called in the tag of a run."""
        return f"{self.check or 'new data'}: {self.asset.to_user_string()}"


def watch_data(key: str) -> Trigger:
    """Watch the content of an asset, by its key."""
    return Trigger(dg.AssetKey.from_user_string(key))


def watch_check(name: str) -> Trigger:
    """Watch an asset check, named as ``<asset>:<check>``.

    Raises:
        UserError: It is not named like that.
    """
    asset, _, check = name.rpartition(":")
    if not asset or not check:
        raise UserError(
            f"`{name}` is not the name of an asset check.",
            "It takes the key of the asset and the name of one of its checks.",
            "Write it as location/asset:check, such as flight_delays/drift:drift.",
        )
    return Trigger(dg.AssetKey.from_user_string(asset), check)


@dataclass(frozen=True)
class Found:
    """Why a partition of a model is to be trained; ``event`` is the newest event that says so."""

    partition: str | None
    reasons: tuple[str, ...]
    event: int

    def __str__(self) -> str:
        """Say it in a line."""
        return f"{', '.join(self.reasons)}{f' of {self.partition}' if self.partition else ''}"


def find_reasons(
    instance: dg.DagsterInstance,
    graph: "AssetGraph",
    model: dg.AssetKey,
    triggers: Sequence[Trigger],
) -> list[Found]:
    """Find the partitions of a model that something newer than it is a reason to train, in their order.

    Newer is what was made after that training was asked for, but not in its own run. Partitions of which a run goes on
    are left out: what it makes may be what is missing. So is what was made in another profile.

    Args:
        instance: Where events are recorded.
        graph: The assets of the code location.
        model: The model; its partitions are those of what is watched.
        triggers: What is watched.

    Raises:
        UserError: The code location has no such asset or check, or one with other partitions than the model.
    """
    _check(graph, model, triggers)
    weekly = graph.get(model).partitions_def is not None
    asked, busy = _find_asked(instance, model, weekly), _find_busy(instance, model.path[0])
    newer: dict[str | None, dict[Trigger, int]] = {}
    for trigger in triggers:
        for partition, event in _find_latest(instance, trigger.asset, weekly).items():
            if event > asked.get(partition, 0) and partition not in busy:
                newer.setdefault(partition, {})[trigger] = event
    found = []
    for partition in sorted(newer, key=lambda key: key or ""):
        run_id = made.run_id if (made := _get(instance, model, partition)) else None
        events = {
            trigger.reason: event
            for trigger, event in newer[partition].items()
            if _holds(instance, graph, trigger, partition, asked.get(partition), run_id)
        }
        if events:
            found.append(Found(partition, tuple(events), max(events.values())))
    return found


def _holds(
    instance: dg.DagsterInstance,
    graph: "AssetGraph",
    trigger: Trigger,
    partition: str | None,
    asked: int | None,
    run_id: str | None,
) -> bool:
    made = _get(instance, trigger.asset, partition)
    if made is not None and (made.run_id == run_id or not _is_of_this_profile(made)):
        return False
    if trigger.check is not None:
        check = dg.AssetCheckKey(trigger.asset, trigger.check)
        return bool(find_failed(instance, [check], partition, warnings=True))
    if find_failed(instance, graph.get_check_keys_for_assets({trigger.asset}), partition):
        return False
    before = None if asked is None else _get(instance, trigger.asset, partition, asked)
    return before is None or _name_version(before) != _name_version(made)


def _find_latest(instance: dg.DagsterInstance, key: dg.AssetKey, weekly: bool) -> Mapping[str | None, int]:
    """The newest materialization by partition, as its number in the event log."""
    if weekly:
        made = dg.DagsterEventType.ASSET_MATERIALIZATION
        return {**instance.event_log_storage.get_latest_storage_id_by_partition(key, made)}
    newest = _get(instance, key, None)
    return {None: newest.storage_id} if newest else {}


def _find_asked(instance: dg.DagsterInstance, model: dg.AssetKey, weekly: bool) -> dict[str | None, int]:
    """By partition the event that asked for the training that was the last to end well."""
    made = _find_latest(instance, model, weekly)
    planned: dict[str | None, int] = {}
    if weekly:
        kind = dg.DagsterEventType.ASSET_MATERIALIZATION_PLANNED
        planned = {**instance.event_log_storage.get_latest_storage_id_by_partition(model, kind)}
    elif (plan := instance.event_log_storage.get_latest_planned_materialization_info(model)) is not None:
        planned[None] = plan.storage_id
    return {partition: min(event, planned.get(partition, event)) for partition, event in made.items()}


def _is_of_this_profile(record: dg.EventLogRecord) -> bool:
    made = record.asset_materialization
    profile = made.metadata.get("profile") if made else None
    return profile is None or profile.value == read_settings().profile


def _get(
    instance: dg.DagsterInstance, key: dg.AssetKey, partition: str | None, before: int | None = None
) -> dg.EventLogRecord | None:
    """The newest materialization, or the newest before an event."""
    wanted = dg.AssetRecordsFilter(key, [partition] if partition else None, before_storage_id=before)
    return next(iter(instance.fetch_materializations(wanted, limit=1).records), None)


def _name_version(record: dg.EventLogRecord | None) -> str | None:
    made = record and record.asset_materialization
    return (made.tags or {}).get(DATA_VERSION_TAG) if made else None


def _find_busy(instance: dg.DagsterInstance, location: str) -> set[str | None]:
    """The partitions of which a run goes on, None for a run without one."""
    going = dg.RunsFilter(statuses=NOT_FINISHED_STATUSES, tags={"dagster/code_location": location})
    return {run.tags.get("dagster/partition") for run in instance.get_runs(going)}


def _check(graph: "AssetGraph", model: dg.AssetKey, triggers: Sequence[Trigger]) -> None:
    for key in (model, *(trigger.asset for trigger in triggers)):
        if not graph.has(key):
            names = ", ".join(sorted(known.to_user_string() for known in graph.materializable_asset_keys))
            raise UserError(
                f"There is no asset {key.to_user_string()} to train or to watch.", f"There are: {names}.", _HOW
            )
    weeks = graph.get(model).partitions_def
    for trigger in triggers:
        asset = trigger.asset
        if (graph.get(asset).partitions_def is None) != (weeks is None):
            raise UserError(
                f"{asset.to_user_string()} is no reason to train {model.to_user_string()}.",
                "One of them has partitions and the other has none, so it is not known which week to train.",
                _HOW,
            )
        checks = {check.name for check in graph.get_check_keys_for_assets({asset})}
        if trigger.check is not None and trigger.check not in checks:
            there = f"It has: {', '.join(sorted(checks))}." if checks else "It has none."
            raise UserError(f"{asset.to_user_string()} has no check `{trigger.check}`.", there, _HOW)


_HOW = "Name another one where retraining is defined."
