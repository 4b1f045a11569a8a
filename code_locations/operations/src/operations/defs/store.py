"""The store, verified."""

import dagster as dg

from atoll import settings
from operations.defs.location import LOCATION, OWNERS, schedule, show_plan, table

# Rows of a table that the page shows.
SHOWN = 500


class Verification(dg.Config):
    """What is read, and whether it is: `prefix` is the first parts of an asset key, such as `aviation_data/flights`."""

    prefix: str = ""
    dry_run: bool = False


@dg.asset(key_prefix=LOCATION, group_name=LOCATION, owners=OWNERS, output_required=False)
def verified_store(context: dg.AssetExecutionContext, config: Verification):
    """The faults of the store: whatever is not as it was written, in all profiles and versions.

    Reads everything, or what `prefix` confines it to. What a killed writer left behind is shown and is no fault.
    """
    from atoll.storage.store import Store
    from atoll.storage.verification import find_faults
    from operations.store import count_artefacts

    store = Store(settings().store)
    artefacts = count_artefacts(store, config.prefix)
    rows = [(*place, count) for place, count in sorted(artefacts.items())]
    metadata = {
        "store": store.url,
        "prefix": config.prefix,
        "artefacts": artefacts.total(),
        "read": table(["profile", "asset", "artefacts"], rows),
    }
    if config.dry_run:
        show_plan(context, metadata)
        return
    found = list(find_faults(store, config.prefix))
    faults = [{"path": fault.path, "what": fault.what, "how": fault.how} for fault in found if not fault.leftover]
    leftovers = [(fault.path, fault.what, fault.how) for fault in found if fault.leftover]
    metadata |= {
        "faults": len(faults),
        "leftovers": len(leftovers),
        "left behind": table(["path", "what", "how"], leftovers[:SHOWN]),
    }
    yield dg.MaterializeResult(value=faults, metadata=metadata)


@dg.asset_check(asset=verified_store)
def no_fault(verified_store):
    """Every artefact that was read is whole, and every pointer points to one."""
    rows = [(fault["path"], fault["what"], fault["how"]) for fault in verified_store]
    return dg.AssetCheckResult(
        passed=not rows,
        description=f"{len(rows)} faults." if rows else "No fault.",
        metadata={"faults": table(["path", "what", "how"], rows[:SHOWN])},
    )


weekly_verification = schedule(
    "weekly_verification", verified_store, "0 4 * * 0", "Verifies the whole store on Sunday at 04:00 UTC."
)
