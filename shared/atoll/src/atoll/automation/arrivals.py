"""Sensors that notice what has arrived."""

import json
from collections.abc import Callable, Iterator, Mapping

import dagster as dg

from atoll.automation.conditions import default_status, sequence_tag
from atoll.configuration import read_settings, settings


def arrival_sensor(
    name: str,
    target: dg.AssetSelection,
    find: Callable[[], Mapping[str | None, str]],
    description: str | None = None,
) -> dg.SensorDefinition:
    """Make a sensor that materializes whatever partition has arrived, has arrived late, or was corrected.

    Partitions that were missed are caught up in order, one run after the other. Nothing is asked for twice: a run's
    key is profile, partition and fingerprint.

    Args:
        name: The sensor's name.
        target: The assets that are made of what arrives.
        find: Returns, in order, a fingerprint for each partition of which something has arrived by ``atoll.today()``;
            for assets without partitions the key is None. It runs in the idle code server and must be light.
        description: What the page says about it.
    """
    location = find.__module__.partition(".")[0]

    @dg.sensor(
        name=name,
        target=target,
        description=description,
        minimum_interval_seconds=settings().sensor_interval,
        default_status=default_status(settings().automation),
    )
    def sensor(context: dg.SensorEvaluationContext) -> Iterator[dg.RunRequest | dg.SkipReason]:
        profile = read_settings().profile
        seen: dict[str, dict[str, str]] = json.loads(context.cursor or "{}")
        known = seen.setdefault(profile, {})
        arrived = find()
        fresh = {key: mark for key, mark in arrived.items() if known.get(key or "") != mark}
        if not fresh:
            yield dg.SkipReason(f"Nothing new has arrived; {len(arrived)} known.")
        for partition, mark in fresh.items():
            known[partition or ""] = mark
            run_key = ":".join([profile, partition or "all", mark])
            tags = sequence_tag(location) if partition else {}
            yield dg.RunRequest(run_key=run_key, partition_key=partition, tags=tags)
        context.update_cursor(json.dumps(seen))

    return sensor
