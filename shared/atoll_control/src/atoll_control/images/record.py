"""The record of the last builds, `.atoll/builds.json`: what each image is called, and what went into it."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from atoll_control.files import Checkout, write_atomically


@dataclass(frozen=True)
class Image:
    """An image that was built.

    `reference` names it by digest, or by a tag of this machine where it was not pushed. `commit` is the last that
    touched what went in, with `+dirty` where something was not committed. `files` has a hash of each file that went in,
    `base` is the identity of the image that it stands on.
    """

    name: str
    reference: str
    content: str
    commit: str | None
    lock: str
    built: str
    base: str = ""
    files: Mapping[str, str] = field(default_factory=dict)

    @property
    def digest(self) -> str | None:
        """What the registry calls it; None where it was not pushed."""
        return self.reference.partition("@")[2] or None


def read_builds(checkout: Checkout) -> dict[str, Image]:
    """Return the last build of each image, by name."""
    try:
        return {name: Image(**said) for name, said in json.loads(_path(checkout).read_text(encoding="utf-8")).items()}
    except FileNotFoundError:
        return {}
    except (ValueError, TypeError, AttributeError):
        return {}  # Of another version of the command, or damaged: everything is built again.


def write_build(checkout: Checkout, image: Image) -> None:
    """Put one image into the record."""
    builds = read_builds(checkout) | {image.name: image}
    text = json.dumps({name: asdict(builds[name]) for name in sorted(builds)}, indent=1)
    write_atomically(_path(checkout), text + "\n")


def _path(checkout: Checkout) -> Path:
    return checkout.state / "builds.json"
