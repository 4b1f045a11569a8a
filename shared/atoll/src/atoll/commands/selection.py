"""Which assets and which partition a run is for."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import dagster as dg

from atoll.errors import UserError

EXAMPLES = "such as `model`, `+model` (with all upstream), `features+` (with all downstream) or `*`."


def select(defs: dg.Definitions, text: str) -> set[dg.AssetKey]:
    """Resolve a selection in Dagster's syntax; an asset's name may lack the location's prefix.

    `sedans/*` is all whose keys have `sedans` after the location.

    Args:
        defs: The definitions of one code location.
        text: The selection, or several separated by commas.

    Raises:
        UserError: A selection cannot be read, or matches nothing.
    """
    graph = defs.resolve_asset_graph()
    own = graph.materializable_asset_keys
    names = {"/".join(key.path[1:]): key.to_user_string() for key in own}
    folders = {f"{'/'.join(key.path[1:-1])}/*": f"{'/'.join(key.path[:-1])}/*" for key in own if len(key.path) > 2}
    found: set[dg.AssetKey] = set()
    for part in text.split(","):
        keys = _parse(part, names | folders).resolve(graph, allow_missing=True) & own
        if not keys:
            raise UserError(
                f"The selection `{part}` is empty.",
                f"The assets are: {', '.join(sorted(names))}.",
                f"Select {EXAMPLES}",
            )
        found |= keys
    return found


def _parse(text: str, names: Mapping[str, str]) -> dg.AssetSelection:
    """Read one selection: in the page's syntax with bare names, or else in that of Dagster's own command."""
    words = re.findall(r'"[^"]*"|[\w:/]+/\*|[\w:/]+|[^"\w:/]+|"', text.strip())
    for form in ('key:"{}"', "{}"):
        full = "".join(form.format(names[word]) if word in names else word for word in words)
        try:
            return dg.AssetSelection.from_string(full)
        except dg.DagsterError:
            continue
    raise UserError(
        f"The selection `{text}` cannot be read.",
        "It is not written in Dagster's syntax of asset selections.",
        f"Write one {EXAMPLES}",
    )


@dataclass(frozen=True)
class PlannedRun:
    """One run: its assets, its partition (None where there is none), and the tags that say so to Dagster."""

    keys: frozenset[dg.AssetKey]
    partition: str | None
    tags: dict[str, str]


def plan_runs(
    defs: dg.Definitions, instance: dg.DagsterInstance, keys: Iterable[dg.AssetKey], partition: str | None
) -> list[PlannedRun]:
    """Plan the run for one partition, or the runs for a range of them in their order.

    A run has those of the assets that have its partition. Assets without partitions are in the last.

    Args:
        defs: The definitions of one code location.
        instance: Where dynamic partitions are kept.
        keys: The selected assets.
        partition: The partition's key, or ``FROM..TO`` with both ends in; None where no selected asset has partitions.

    Raises:
        UserError: The partition is missing or unknown, or the assets share none.
    """
    graph = defs.resolve_asset_graph()
    kinds = {key: kind for key in sorted(keys) if (kind := graph.get(key).partitions_def) is not None}
    if not kinds and partition is None:
        return [PlannedRun(frozenset(keys), None, {})]
    if not kinds:
        raise UserError(
            f"There is no partition {partition}.", "No selected asset has partitions.", "Leave out --partition."
        )
    names = {key: kind.get_partition_keys(dynamic_partitions_store=instance) for key, kind in kinds.items()}
    chosen = _choose(names, partition)
    whole = frozenset(keys) - kinds.keys()
    runs = []
    for name in chosen:
        partitioned = [key for key in kinds if name in names[key]]
        tags = kinds[partitioned[0]].get_tags_for_partition_key(name)
        last = whole if name == chosen[-1] else frozenset()
        runs.append(PlannedRun(frozenset(partitioned) | last, name, dict(tags)))
    return runs


def _choose(names: Mapping[dg.AssetKey, Sequence[str]], partition: str | None) -> list[str]:
    """Choose the partitions that a text names, among those that any of the assets has."""
    most = max(names, key=lambda key: len(names[key]))
    other = next((key for key in names if names[key] and not set(names[key]) & set(names[most])), None)
    if other is not None:
        raise UserError(
            "The selected assets cannot be materialized in one run.",
            f"They are partitioned in different ways: {most.to_user_string()} and {other.to_user_string()}.",
            "Select assets with the same partitions, or run one after the other.",
        )
    known = list(names[most])
    first, _, last = (partition or "").partition("..")
    span = f"{known[0]} to {known[-1]}" if len(known) > 1 else ", ".join(known) or "none yet"
    for end in (first, last or first):
        if end not in known:
            raise UserError(
                f"There is no partition {end}." if end else "A partition must be named.",
                f"The asset {most.to_user_string()} has partitions: {span}.",
                f"Name one of them, for example --partition {known[-1]}." if known else "Add a partition first.",
            )
    chosen = known[known.index(first) : known.index(last or first) + 1]
    if not chosen:
        raise UserError(
            f"The range {partition} is empty.", f"{first} comes after {last}.", f"Write --partition {last}..{first}."
        )
    return chosen
