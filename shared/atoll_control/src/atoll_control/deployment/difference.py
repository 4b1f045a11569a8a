"""The difference of two releases: which parts become another image."""

from collections.abc import Mapping
from dataclasses import dataclass

from atoll_control.deployment.release import Released

NOTHING = "nothing"


@dataclass(frozen=True)
class Change:
    """A part that becomes another image; `before` is None where it is new, `after` where it goes."""

    part: str
    before: Released | None
    after: Released | None

    def __str__(self) -> str:
        """Name part and images, as in `cars: 0a1b2c3d4e5f (c0ffee12) -> 9f8e7d6c5b4a (0ff1ce34)`."""
        return f"{self.part}: {name_image(self.before)} -> {name_image(self.after)}"


def list_changes(before: Mapping[str, Released], after: Mapping[str, Released]) -> list[Change]:
    """Return the parts whose image is another one in the second release; what goes comes last."""
    parts = dict.fromkeys([*after, *before])
    changes = [Change(part, before.get(part), after.get(part)) for part in parts]
    return [change for change in changes if _reference(change.before) != _reference(change.after)]


def name_image(released: Released | None) -> str:
    """Name an image by the beginnings of its digest and of its commit."""
    if released is None:
        return NOTHING
    commit, sign, dirty = (released.commit or "").partition("+")
    return f"{released.version} ({commit[:8] + sign + dirty or 'no commit'})"


def _reference(released: Released | None) -> str | None:
    return released.image if released else None
