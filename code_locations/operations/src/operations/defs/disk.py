"""Disk space."""

from typing import TYPE_CHECKING

import dagster as dg

from atoll import UserError, settings
from atoll.configuration import find_root
from operations.defs.location import LOCATION, OWNERS, schedule, show_plan, table

if TYPE_CHECKING:
    from operations.disk import FileSystem

GB = 10**9


class Measuring(dg.Config):
    """Whether to record what is measured as the asset's history."""

    dry_run: bool = False


@dg.asset(key_prefix=LOCATION, group_name=LOCATION, owners=OWNERS, output_required=False)
def disk_space(context: dg.AssetExecutionContext, config: Measuring):
    """What store, runs database, compute logs and environments use, and what is free where they are; in GB."""
    from operations.disk import measure_room, measure_use

    places = _find_places()
    used, room = measure_use(places), measure_room(places)
    metadata = {
        **{f"used/{part}": round(size / GB, 3) for part, size in used.items()},
        **{f"free/{part}": round(system.free / GB, 3) for system in room for part in system.parts},
        "places": table(["part", "place"], [(part, str(path)) for part, paths in places.items() for path in paths]),
    }
    if config.dry_run:
        show_plan(context, metadata)
        return
    yield dg.MaterializeResult(metadata=metadata)


@dg.asset_check(asset=disk_space)
def enough():
    """Every file system has room: a warning below 10 GB or a tenth of it, an error below 2 GB."""
    from operations.disk import measure_room

    return judge(measure_room(_find_places()))


def judge(room: "list[FileSystem]") -> dg.AssetCheckResult:
    """Judge by the thresholds that `FileSystem` has."""
    scarce = [system for system in room if system.scarce]
    rows = [(system.name, system.free / GB, system.total / GB) for system in room]
    return dg.AssetCheckResult(
        passed=not scarce,
        severity=dg.AssetCheckSeverity.ERROR if any(system.full for system in room) else dg.AssetCheckSeverity.WARN,
        description=" ".join(f"{system.free / GB:.1f} GB are free for {system.name}." for system in scarce or room),
        metadata={"file systems": table(["parts", "free GB", "total GB"], rows)},
    )


def _find_places():
    from operations.disk import find_places

    root = find_root()
    if root is None:
        raise UserError(
            "Disk space was not measured.",
            "There is no checkout (code_locations/ and workspace.yaml) above, and ATOLL_ROOT names none.",
            "Set ATOLL_ROOT to the checkout's folder.",
        )
    return find_places(root, settings().store)


hourly_disk_space = schedule(
    "hourly_disk_space", disk_space, "5 * * * *", "Measures disk space every hour, five minutes past."
)
