"""A champion taken back: ``python -m atoll.commands.rollback MODEL``, in the environment of its project."""

import argparse
import json
import sys
from datetime import datetime, timezone
from typing import Any

import dagster as dg

from atoll.configuration import settings
from atoll.errors import UserError
from atoll.promotion.registry import FULL, Decision, Registry, Version
from atoll.storage.formats import Reference
from atoll.storage.journal import Journal
from atoll.storage.store import Slot, Store
from atoll.storage.values import read, write

DATA_VERSION = "dagster/data_version"


def main() -> int:
    """Print what was done as JSON; exit 2 with ``what``, ``why`` and ``how`` where a person can mend it."""
    parser = argparse.ArgumentParser(prog="python -m atoll.commands.rollback", description=__doc__)
    parser.add_argument("model", help="name of the registered model")
    parser.add_argument("--to", type=int, help="version; by default the champion before this one that nobody took back")
    parser.add_argument("--who", default="unknown", help="who asks")
    parser.add_argument("--why", help="the reason, for the record")
    parser.add_argument("--dry-run", action="store_true", help="only say what would be done")
    options = parser.parse_args()
    try:
        registry = Registry(Journal(settings().store), FULL, options.model)
        found, code = roll_back(registry, options.to, options.who, options.why, dry_run=options.dry_run), 0
    except UserError as error:
        found, code = {"what": error.what, "why": error.why, "how": error.how}, 2
    json.dump(found, sys.stdout, default=str)
    return code


def roll_back(
    registry: Registry, to: int | None, who: str, why: str | None = None, *, dry_run: bool = False
) -> dict[str, Any]:
    """Make another version champion, from the next batch of predictions on.

    The version is loaded first: one that does not load here is no champion. Then the decision is written, the asset
    ``champion`` is that version, and MLflow's alias follows as soon as MLflow answers. Champions of weeks stay what
    they were, for they have predicted: the decision belongs to the last week of which there is one, and the champion of
    the next is made by it.

    Args:
        registry: Of the model.
        to: The version; None is the champion before the one there is, of those that nobody took back.
        who: Who asks, for the record.
        why: The reason, for the record.
        dry_run: Whether to stop before anything is written.

    Returns:
        ``model``, ``before`` and ``champion`` (versions), ``trained_for`` (its partition), ``decision`` (its number,
        None of a dry run).

    Raises:
        UserError: There is nothing to roll back to, the version is champion already, or does not load here.
    """
    store, current = Store(settings().store), registry.champion()
    target = registry.version(to) if to is not None else _find_previous(registry, current)
    _load(store, registry, target)
    done = {"model": registry.name, "champion": target.number, "trained_for": target.manifest.partition}
    if current is not None and current.number == target.number:
        decision = _finish(store, registry, target, dry_run=dry_run)
        return {**done, "before": decision.before, "decision": None if dry_run else decision.number}
    before = None if current is None else current.number
    if dry_run:
        return {**done, "before": before, "decision": None}
    last = max(registry.decisions(), key=lambda decision: decision.place, default=None)
    origin = "" if before is None else f" from version {before}"
    decision = registry.decide(
        Decision(
            number=0,
            outcome="rolled back",
            time=datetime.now(timezone.utc),
            partition=target.manifest.partition if last is None else last.partition,
            challenger=target.number,
            before=before,
            champion=target.number,
            reason=f"Rolled back{origin} to version {target.number} by {who}{f': {why}' if why else ''}.",
            asked={"by": "command", "who": who, **({"reason": why} if why else {})},
        )
    )
    _place(store, target, decision)
    return {**done, "before": before, "decision": decision.number}


def _finish(store: Store, registry: Registry, champion: Version, *, dry_run: bool) -> Decision:
    """Have MLflow and the asset follow what was decided by whoever was killed then.

    Raises:
        UserError: They have.
    """
    decision = registry.find_promotion(champion)
    announced = not dry_run and registry.announce(decision)
    if _is_placed(store, champion) and not announced:
        raise UserError(
            f"Nothing was changed: version {champion.number} of {registry.name} is the champion already.",
            "It was the last one to be promoted or rolled back to.",
            f"Name another version: ./atoll models {registry.name.partition('.')[0]} --profile {FULL}",
        )
    if not dry_run:
        _place(store, champion, decision)
    return decision


def _find_previous(registry: Registry, current: Version | None) -> Version:
    """Find the last champion before the present one that nobody took back."""
    moves = [decision for decision in sorted(registry.decisions(), key=lambda found: found.place) if decision.moves]
    others = [registry.version(move.challenger) for move in moves if current and move.challenger != current.number]
    left = [version for version in others if registry.find_taken_back(version) is None]
    if left:
        return left[-1]
    never = "There was no champion before this one." if current else "No version of it was ever champion."
    raise UserError(
        f"{registry.name} cannot be rolled back.",
        "Every champion before this one was taken back." if others else never,
        f"Name a version: ./atoll models rollback {registry.name.partition('.')[0]} "
        f"--model {registry.name} --to VERSION",
    )


def _load(store: Store, registry: Registry, version: Version) -> None:
    artefact = store.read_version(version.artefact)
    try:
        if artefact is None:
            raise FileNotFoundError(f"{store.locate(version.artefact)} is not there")
        read(store, artefact)
    except Exception as error:
        raise UserError(
            f"Nothing was changed: version {version.number} of {registry.name} does not load here.",
            f"{type(error).__name__}: {' '.join(str(error).split())}.",
            "Choose another version, or bring the project back to what the version was made with (its manifest says).",
        ) from error


def _name_champion(version: Version) -> tuple[str, ...]:
    return (*version.manifest.asset.split("/")[:-1], "champion")


def _is_placed(store: Store, version: Version) -> bool:
    """Whether the asset ``champion`` is that version; those of weeks have a past of their own."""
    if version.manifest.partition is not None:
        return True
    placed = store.get(Slot(FULL, _name_champion(version)))
    return placed is not None and placed.manifest.data_version == version.manifest.data_version


def _place(store: Store, version: Version, decision: Decision) -> None:
    """Make the asset ``champion`` that version, or leave those of weeks as they are, and say so in the page."""
    key = dg.AssetKey(_name_champion(version))
    metadata = {"version": version.number, "decision": decision.number, "profile": FULL}
    tags = {DATA_VERSION: version.manifest.data_version}
    event: dg.AssetMaterialization | dg.AssetObservation
    if decision.partition is None:
        write(store, Slot(FULL, tuple(key.path)), Reference(version.artefact, version.manifest.data_version), {})
        event = dg.AssetMaterialization(key, description=decision.reason, metadata=metadata, tags=tags)
    else:
        event = dg.AssetObservation(key, description=decision.reason, metadata=metadata, partition=decision.partition)
    with dg.DagsterInstance.get() as instance:
        instance.report_runless_asset_event(event)


if __name__ == "__main__":
    sys.exit(main())
