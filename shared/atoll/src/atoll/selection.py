"""Which assets and which partition a run is for."""

import re
from collections.abc import Iterable, Mapping

import dagster as dg

from atoll.errors import UserError

EXAMPLES = "such as `model`, `+model` (with all upstream), `features+` (with all downstream) or `*`."


def select(defs: dg.Definitions, text: str) -> set[dg.AssetKey]:
    """Resolve a selection in Dagster's syntax; an asset's name may lack the location's prefix.

    Args:
        defs: The definitions of one code location.
        text: The selection, or several separated by commas.

    Raises:
        UserError: A selection cannot be read, or matches nothing.
    """
    graph = defs.resolve_asset_graph()
    own = graph.materializable_asset_keys
    names = {"/".join(key.path[1:]): key.to_user_string() for key in own}
    found: set[dg.AssetKey] = set()
    for part in text.split(","):
        keys = _parse(part, names).resolve(graph, allow_missing=True) & own
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
    words = re.findall(r'"[^"]*"|[\w:/]+|[^"\w:/]+|"', text.strip())
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


def tag_partition(
    defs: dg.Definitions, instance: dg.DagsterInstance, keys: Iterable[dg.AssetKey], partition: str | None
) -> dict[str, str]:
    """Make the tags of a run for one partition.

    Args:
        defs: The definitions of one code location.
        instance: Where dynamic partitions are kept.
        keys: The selected assets.
        partition: The partition's key; None where no selected asset has partitions.

    Raises:
        UserError: The partition is missing, or not one of every partitioned asset that is selected.
    """
    graph = defs.resolve_asset_graph()
    kinds: dict[dg.PartitionsDefinition, dg.AssetKey] = {}
    for key in sorted(keys):
        kind = graph.get(key).partitions_def
        if kind is not None:
            kinds[kind] = key
    if not kinds and partition is None:
        return {}
    if not kinds:
        raise UserError(
            f"There is no partition {partition}.", "No selected asset has partitions.", "Leave out --partition."
        )
    if len(kinds) > 1:
        pair = " and ".join(key.to_user_string() for key in list(kinds.values())[:2])
        raise UserError(
            "The selected assets cannot be materialized in one run.",
            f"They are partitioned in different ways: {pair}.",
            "Select assets with the same partitions, or run one after the other.",
        )
    ((kind, key),) = kinds.items()
    known = kind.get_partition_keys(dynamic_partitions_store=instance)
    if partition is None or partition not in known:
        span = f"{known[0]} to {known[-1]}" if len(known) > 1 else ", ".join(known) or "none yet"
        raise UserError(
            f"There is no partition {partition}." if partition else "A partition must be named.",
            f"The asset {key.to_user_string()} has partitions: {span}.",
            f"Name one of them, for example --partition {known[-1]}." if known else "Add a partition first.",
        )
    return dict(kind.get_tags_for_partition_key(partition))
