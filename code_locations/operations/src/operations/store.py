"""What there is to verify in the store."""

from collections import Counter
from pathlib import PurePosixPath

from atoll.storage.store import MANIFEST, Slot, Store


def count_artefacts(store: Store, prefix: str = "") -> Counter[tuple[str, str]]:
    """Count the artefacts, also those that are not current, by profile and asset; reads none of them.

    Args:
        store: The store.
        prefix: The first parts of an asset key; of all profiles.

    Raises:
        UserError: The store cannot be read.
    """
    manifests = (path.parts for path in map(PurePosixPath, store.list_files(prefix)) if path.name == MANIFEST)
    slots = (Slot.parse("/".join(parts[:4])) for parts in manifests)
    return Counter((slot.profile, slot.key) for slot in slots)
