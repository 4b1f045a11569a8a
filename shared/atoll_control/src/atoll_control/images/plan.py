"""The plan of a build: for each image what goes in, and why it must be built, if it must."""

import hashlib
import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from atoll_control.docker import docker, last_line, require_engine
from atoll_control.errors import UserError
from atoll_control.files import Checkout
from atoll_control.images.inputs import Inputs, read_inputs
from atoll_control.images.record import Image, read_builds
from atoll_control.images.registry import holds
from atoll_control.images.settings import BuildSettings


@dataclass(frozen=True)
class Step:
    """One image: `why` it must be built, or None when it is as it was built last.

    `base` is what it stands on, and `identity` which image that is; empty where this machine does not have it yet.
    """

    inputs: Inputs
    base: str
    identity: str
    before: Image | None
    why: str | None

    @property
    def content(self) -> str:
        """A hash of everything that goes in: it names the image before it is built."""
        text = json.dumps([dict(self.inputs.files), self.identity], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()


def plan_builds(
    checkout: Checkout, settings: BuildSettings, names: Sequence[str], *, push: bool, pull: bool
) -> list[Step]:
    """Compare what would go into the images of these names with their last builds.

    With `pull` a base image that this machine does not have is fetched.

    Raises:
        UserError: no engine answers, or a base image cannot be fetched.
    """
    builds, identities = read_builds(checkout), dict[str, str]()
    steps = []
    for name in names:
        inputs, before = read_inputs(checkout, name), builds.get(name)
        base = settings.base.replace("{python}", inputs.python)
        if base not in identities:
            identities[base] = _find(base, pull=pull)
        why = _reason(settings, inputs, identities[base], before, push)
        steps.append(Step(inputs, base, identities[base], before, why))
    return steps


def _find(base: str, *, pull: bool) -> str:
    if found := _identity(base):
        return found
    # To ask this first, each time, would take longer than all else that a plan asks.
    require_engine()
    return _pull(base) if pull else ""


def _pull(base: str) -> str:
    output = docker("pull", "--quiet", base)
    if output.code:
        raise UserError(
            f"the base image {base} is not there.",
            f"{last_line(output)}.",
            "connect to a network, or name another one in deploy/build.toml.",
        )
    return _identity(base)


def _identity(image: str) -> str:
    return docker("image", "inspect", "--format", "{{.Id}}", image).stdout.strip()


def _reason(settings: BuildSettings, inputs: Inputs, base: str, before: Image | None, push: bool) -> str | None:
    if before is None:
        return "never built"
    changed: dict[str, list[str]] = defaultdict(list)
    for path in sorted({path for path, _ in inputs.files.items() ^ before.files.items()}):
        changed[_part(inputs, path)].append(path)
    if changed:
        return "; ".join(f"{part} changed: {_shorten(paths)}" for part, paths in changed.items())
    if base and base != before.base:
        return "the base image is another"
    if not push:
        return None if _identity(before.reference) else "not on this machine any more"
    if not before.digest or not before.reference.startswith(f"{settings.repository(inputs.name)}@"):
        return "not in the registry yet"
    return None if holds(settings, inputs.name, before.digest) else "not in the registry any more"


def _part(inputs: Inputs, path: str) -> str:
    """Say what a file is a part of."""
    if path == inputs.lock:
        return "the lock"
    for package in inputs.packages[1:]:
        if path.startswith(f"{package.folder}/"):
            return "the library" if package.distribution == "atoll" else package.distribution
    if path.startswith("deploy/") and not path.startswith(f"{inputs.folder}/"):
        return "the recipe"
    return "the project"


def _shorten(paths: list[str]) -> str:
    return paths[0] + (f" and {len(paths) - 1} more" if paths[1:] else "")
