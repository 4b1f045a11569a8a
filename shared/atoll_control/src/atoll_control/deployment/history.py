"""The history of an environment: one document per deployment, on the server, in `.atoll/environments/ENV/history/`."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from atoll_control.deployment.release import Release, Released
from atoll_control.errors import UserError
from atoll_control.files import write_atomically

# What `Deployment.outcome` is.
RUNNING, DONE, FAILED = "running", "done", "failed"
# The verb that takes an image back.
ROLLBACK = "rollback"


@dataclass(frozen=True)
class Deployment:
    """One deployment: `release` is what every part was to become, `before` what ran, empty at the first time.

    `author` is who gave the command, `source` the commit of the release file, or `uncommitted` and the beginning of its
    hash. `outcome` is `running` until it ends: one that was killed stays so. `failed` has, by part, why it did not come
    up.
    """

    began: datetime
    ended: datetime | None
    verb: str
    author: str
    reason: str
    source: str
    release: Release
    before: Release
    outcome: str = RUNNING
    failed: Mapping[str, str] = field(default_factory=dict)

    @property
    def file(self) -> str:
        """The name of its document: sorted by name, documents are sorted by time."""
        return f"{self.began:%Y%m%dT%H%M%S.%fZ}.json"

    def brought_up(self, part: str) -> Released | None:
        """Return the image of the part that came up in it; None where that failed, or nobody saw it come up."""
        return self.release.get(part) if self.outcome != RUNNING and part not in self.failed else None


class History:
    """What was deployed to one environment; `folder` need not be there yet."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def begin(
        self, *, verb: str, author: str, reason: str, source: str, release: Release, before: Release
    ) -> Deployment:
        """Write down a deployment that begins now; whoever calls it holds the environment's lock."""
        deployment = Deployment(datetime.now(UTC), None, verb, author, reason, source, dict(release), dict(before))
        while (self.folder / deployment.file).exists():
            deployment = replace(deployment, began=deployment.began + timedelta(microseconds=1))
        self._write(deployment)
        return deployment

    def end(self, deployment: Deployment, failed: Mapping[str, str]) -> Deployment:
        """Write down how it ended: `failed` says of each part that did not come up why, in one line."""
        outcome = FAILED if failed else DONE
        deployment = replace(deployment, ended=datetime.now(UTC), outcome=outcome, failed=dict(failed))
        self._write(deployment)
        return deployment

    def list(self) -> list[Deployment]:
        """Return all deployments, newest first.

        Raises:
            UserError: a document cannot be read.
        """
        return [_read(path) for path in sorted(self.folder.glob("*.json"), reverse=True)]

    def current(self) -> Release:
        """Return the image of each part that came up last."""
        current: Release = {}
        deployments = self.list()
        for part in {part for deployment in deployments for part in (*deployment.release, *deployment.before)}:
            for image, _ in _came_up(deployments, part):
                current[part] = image
        return current

    def images(self, part: str) -> dict[str, Released]:
        """Return every image of the part that once came up, by its reference, the newest first."""
        came_up = [image for image, _ in _came_up(self.list(), part)]
        return {image.image: image for image in reversed(came_up)}

    def previous(self, part: str, current: Released) -> Released | None:
        """Return the newest image of the part that once came up, is another one than `current`, and was not taken back.

        A rollback takes back what came after the image that it returns to, until that is deployed again: one rollback
        after another goes further back, and not to and fro.
        """
        earlier = (image for image in reversed(_standing(self.list(), part)) if image.image != current.image)
        return next(earlier, None)

    def _write(self, deployment: Deployment) -> None:
        text = json.dumps(asdict(deployment), indent=1, default=datetime.isoformat)
        write_atomically(self.folder / deployment.file, text + "\n")


def _standing(deployments: Sequence[Deployment], part: str) -> list[Released]:
    """Return the images of the part that came up and were not taken back, the oldest first."""
    standing: list[Released] = []
    for image, rolled_back in _came_up(deployments, part):
        if rolled_back and image.image in (earlier.image for earlier in standing):
            while standing[-1].image != image.image:
                standing.pop()
        else:
            standing.append(image)
    return standing


def _came_up(deployments: Sequence[Deployment], part: str) -> Iterator[tuple[Released, bool]]:
    """Yield each image of the part that came up, the oldest first, and whether a rollback brought it."""
    known = False
    for deployment in reversed(deployments):
        before = deployment.before.get(part)
        if before and not known:
            # Of what runs before a later one it is known whether it came up.
            yield before, False
        known = known or part in deployment.release or before is not None
        if image := deployment.brought_up(part):
            yield image, deployment.verb == ROLLBACK


def _read(path: Path) -> Deployment:
    try:
        said: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        deployment = Deployment(
            began=datetime.fromisoformat(said["began"]),
            ended=datetime.fromisoformat(said["ended"]) if said["ended"] else None,
            verb=said["verb"],
            author=said["author"],
            reason=said["reason"],
            source=said["source"],
            release=_read_release(said["release"]),
            before=_read_release(said["before"]),
            outcome=said["outcome"],
            failed=dict(said["failed"]),
        )
        if deployment.outcome not in (RUNNING, DONE, FAILED):
            raise ValueError(f"its outcome is {deployment.outcome!r}")
    except OSError as error:
        why = f"{error.strerror}."
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        why = f"{type(error).__name__}: {error}."
    else:
        return deployment
    raise UserError(
        f"the history of {path.parent.parent.name} cannot be read.",
        f"{path}: {why}",
        "correct that file, or move it away: what it says is then no longer known.",
    ) from None


def _read_release(said: Mapping[str, Any]) -> Release:
    return {part: Released(entry["image"], entry["commit"], entry["lock"]) for part, entry in said.items()}
