"""What Dagster still needs of its history, so that taking away the rest makes it forget nothing."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Collection, Iterator
from datetime import datetime, timezone

import dagster as dg
import sqlalchemy as sql

# Dagster has no public way to ask for the latest events of all assets, partitions and checks at once.
from dagster._core.definitions.data_version import extract_data_provenance_from_entry
from dagster._core.storage.event_log import SqlEventLogStorage
from dagster._core.storage.event_log.schema import AssetCheckExecutionsTable as Checks
from dagster._core.storage.event_log.schema import SqlEventLogStorageTable as Events
from dagster._serdes import deserialize_value

from atoll import UserError

MATERIALIZATION = dg.DagsterEventType.ASSET_MATERIALIZATION.value
OBSERVATION = dg.DagsterEventType.ASSET_OBSERVATION.value


def find_needed_runs(instance: dg.DagsterInstance, before: datetime) -> dict[str, str]:
    """Find the runs whose events say what state assets and checks are in, now or at any moment from ``before`` on.

    These are, for every asset, asset partition and check partition, the runs of the latest event of each kind
    (materialization, observation, attempt, check that passed or failed), of the latest one before ``before``, and of
    what a latest materialization was made from: without that one, an input that was made again with the same data
    counts as changed. The moments since ``before`` matter because automation compares now with when it last looked.

    Args:
        instance: An instance whose events are in a SQL database.
        before: A time with a time zone.

    Returns:
        The reason by run id.

    Raises:
        UserError: The events are not in a SQL database.
    """
    with events_of(instance).index_connection() as connection:
        moment = before.astimezone(timezone.utc).replace(tzinfo=None)
        events = _latest(Events.c, ["asset_key", "partition", "dagster_event_type"], "timestamp", moment)
        checks = ["asset_key", "check_name", "partition", "execution_status"]
        evaluations = _latest(Checks.c, checks, "evaluation_event_timestamp", moment)
        needed = {
            **dict.fromkeys(_newest(connection), "newest record of the database"),
            **dict.fromkeys(_inputs(connection, events), "input of a latest materialization"),
            **dict.fromkeys(_runs(connection, Checks.c, evaluations), "latest state of a check"),
            **dict.fromkeys(_runs(connection, Events.c, events), "latest state of an asset or a partition"),
        }
    return needed


def events_of(instance: dg.DagsterInstance) -> SqlEventLogStorage:
    """The event log of an instance.

    Raises:
        UserError: It is not in a SQL database.
    """
    events = instance.event_log_storage
    if not isinstance(events, SqlEventLogStorage):
        raise UserError(
            "Old runs cannot be found.",
            f"The events of this instance are in {type(events).__name__}, not in a SQL database.",
            "Use SQLite or PostgreSQL as the storage in dagster.yaml.",
        )
    return events


def _latest(columns: sql.ColumnCollection, group: list[str], time: str, moment: datetime) -> sql.CompoundSelect:
    """Ids of the latest row of each group, and of the latest one before the moment."""
    latest = (
        sql.select(sql.func.max(columns["id"]))
        .where(columns["asset_key"].is_not(None))
        .group_by(*(columns[name] for name in group))
    )
    return sql.union(latest, latest.where(columns[time] < moment))


def _runs(connection: sql.Connection, columns: sql.ColumnCollection, ids: sql.CompoundSelect) -> Iterator[str]:
    return iter(connection.scalars(sql.select(columns["run_id"]).where(columns["id"].in_(ids))))


def _newest(connection: sql.Connection) -> Iterator[str]:
    """SQLite gives the id of a newest row that was removed to the next one, which no cursor would see then."""
    return iter(connection.scalars(sql.select(Events.c.run_id).order_by(Events.c.id.desc()).limit(1)))


def _inputs(connection: sql.Connection, events: sql.CompoundSelect) -> Iterator[str]:
    """Runs that made partitions which latest materializations have read.

    A materialization records the id of its input's latest event; what it read of a partition is the latest up to there.
    """
    made = sql.select(Events.c.event).where(Events.c.id.in_(events), Events.c.dagster_event_type == MATERIALIZATION)
    cursors: defaultdict[dg.AssetKey, set[int]] = defaultdict(set)
    for text in connection.scalars(made):
        provenance = extract_data_provenance_from_entry(deserialize_value(text, dg.EventLogEntry))
        for key, cursor in (provenance.input_storage_ids if provenance else {}).items():
            if cursor is not None:
                cursors[key].add(cursor)
    for key, read in cursors.items():
        yield from _partitions_up_to(connection, key, read)


def _partitions_up_to(connection: sql.Connection, key: dg.AssetKey, cursors: Collection[int]) -> Iterator[str]:
    rows = (
        sql.select(Events.c.partition, Events.c.id, Events.c.run_id)
        .where(Events.c.asset_key == key.to_string(), Events.c.partition.is_not(None))
        .where(Events.c.dagster_event_type.in_([MATERIALIZATION, OBSERVATION]))
        .order_by(Events.c.id)
    )
    versions: defaultdict[str, list[tuple[int, str]]] = defaultdict(list)
    for partition, number, run_id in connection.execute(rows):
        versions[partition].append((number, run_id))
    for made in versions.values():
        numbers = [number for number, _ in made]
        places = {bisect_right(numbers, cursor) for cursor in cursors}
        yield from (made[place - 1][1] for place in places if place)
