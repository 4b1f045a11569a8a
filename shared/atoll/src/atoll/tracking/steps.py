"""What the steps of a run have loaded and noted so far, in this process."""

from dataclasses import dataclass, field
from datetime import datetime, timezone

from atoll.storage.values import Reads
from atoll.tracking.notes import Notes


@dataclass
class Step:
    """One step: since when, what it has loaded, what its code has noted."""

    started: datetime = field(default_factory=lambda: datetime.now(timezone.utc))
    reads: Reads = field(default_factory=Reads)
    notes: Notes = field(default_factory=Notes)


_STEPS: dict[tuple[str, str, int], Step] = {}


def find_step(run_id: str, step_key: str, retry: int = 0) -> Step:
    """The step, begun now if nothing is known of it; a retry begins anew."""
    return _STEPS.setdefault((run_id, step_key, retry), Step())
