"""When an asset is made without being asked: conditions for Dagster's declarative automation."""

from collections.abc import Sequence
from functools import reduce
from operator import and_

import dagster as dg

from atoll.run_tags import SEQUENCE

Condition = dg.AutomationCondition


def on_update(ignore: Sequence[str] = ()) -> Condition:
    """Make a partition when what it reads of other assets was made anew, and their blocking checks passed.

    It is Dagster's ``eager()`` for every partition, not only the latest: history arrives week by week, and late. It
    waits while something it reads is missing or being made, unless that will be made in the same run, which its
    blocking checks stop. What was missed before the first look, or was forgotten with a reload, is caught up.

    Args:
        ignore: Keys of what is read and is no reason when it is made anew, such as a table of reference, whose
            correction would make all of history again: the page then shows the weeks as stale, for a person to decide.
    """
    reason = Condition.any_deps_updated()
    if ignore:
        reason = reason.ignore(dg.AssetSelection.assets(*ignore))
    return (
        _once(reason)
        & ~Condition.any_deps_missing()
        & ~Condition.any_deps_in_progress()
        & ~Condition.in_progress()
        & Condition.all_deps_match(Condition.will_be_requested() | _checks_passed())
    ).with_label("on_update")


def on_week_of(key: str) -> Condition:
    """Make a partition once whenever the same partition of another asset was made, and its blocking checks passed.

    For an asset that reads a window of other partitions: that those are made anew is no reason, and one that is missing
    does not stop it. It waits while one of them is being made.

    Args:
        key: The asset whose partition is the reason, as ``<code location>/<asset>``.
    """
    asset = dg.AssetKey.from_user_string(key)
    arrived = Condition.asset_matches(asset, Condition.newly_updated())
    passed = Condition.asset_matches(asset, _checks_passed())
    there = ~Condition.asset_matches(asset, Condition.missing())
    return (_once(arrived) & there & passed & ~Condition.any_deps_in_progress() & ~Condition.in_progress()).with_label(
        f"on_week_of({asset.to_user_string()})"
    )


def along_with(key: str) -> Condition:
    """Make a partition in the run that makes the same partition of another asset.

    For an asset that is not made from that one and belongs to the same week. Where the other was made without it, it is
    caught up.

    Args:
        key: The other asset, as ``<code location>/<asset>``: upstream of this one, by whatever way and partitions.
    """
    asset = dg.AssetKey.from_user_string(key)
    asked = Condition.asset_matches(asset, Condition.will_be_requested())
    there = Condition.asset_matches(asset, ~Condition.missing() & ~Condition.in_progress() & _checks_passed())
    return (_once(asked) & (asked | there) & ~Condition.in_progress()).with_label(
        f"along_with({asset.to_user_string()})"
    )


def on_any_update(checked: Sequence[str] = ()) -> Condition:
    """Make a summary without partitions when any partition that it reads was made, even if others are missing.

    Args:
        checked: Keys of what is a reason once its checks have looked at it, not already when it is made, such as a
            model whose gate has decided.
    """
    reason = Condition.any_deps_updated()
    if checked:
        reason = reason.ignore(dg.AssetSelection.assets(*checked))
    looked = Condition.any_checks_match(Condition.newly_updated())
    for key in checked:
        reason |= Condition.asset_matches(dg.AssetKey.from_user_string(key), looked)
    return (
        _once(reason)
        & Condition.any_deps_match(~Condition.missing())
        & ~Condition.any_deps_in_progress()
        & ~Condition.in_progress()
    ).with_label("on_any_update")


def at_rest(*keys: str) -> Condition:
    """Wait while the same partition of other assets is being made, also of ones that are not read directly.

    For what follows one of two assets that are made in one run: it is then made once for both.
    """
    others = [dg.AssetKey.from_user_string(key) for key in sorted(keys)]
    finished = [~Condition.asset_matches(other, Condition.in_progress()) for other in others]
    return reduce(and_, finished).with_label(f"at_rest({', '.join(sorted(keys))})")


def _checks_passed() -> Condition:
    return Condition.all_checks_match(Condition.check_passed(), blocking_only=True)


def _once(reason: Condition) -> Condition:
    """The reason, or at the first look that nothing is there yet; until the asset is asked for or made."""
    missing = Condition.missing() & Condition.initial_evaluation()
    return (reason | Condition.newly_missing() | missing).since(Condition.newly_requested() | Condition.newly_updated())


def automation_sensor(location: str, running: bool, interval: int) -> dg.AutomationConditionSensorDefinition:
    """Make the sensor that looks at the conditions of a code location.

    Args:
        location: The code location; its runs are made one after the other, in the order of the weeks.
        running: Whether it is on from the start.
        interval: Seconds between two looks.
    """
    return dg.AutomationConditionSensorDefinition(
        "default_automation_condition_sensor",
        target=dg.AssetSelection.all(),
        default_status=default_status(running),
        minimum_interval_seconds=interval,
        run_tags=sequence_tag(location),
        # Several weeks are several runs, in order: a backfill would take its time to be seen as over.
        emit_backfills=False,
        description="Makes what the automation conditions of the assets ask for.",
    )


def sequence_tag(location: str) -> dict[str, str]:
    """The tag of runs that go one after the other, in the order in which they were asked for."""
    return {SEQUENCE: location}


def default_status(running: bool) -> dg.DefaultSensorStatus:
    """Dagster's word for on or off."""
    return dg.DefaultSensorStatus.RUNNING if running else dg.DefaultSensorStatus.STOPPED


def has_conditions(defs: dg.Definitions) -> bool:
    """Whether any asset is made by itself."""
    graph = defs.resolve_asset_graph()
    return any(graph.get(key).automation_condition for key in graph.materializable_asset_keys)
