"""Releases: the images that an environment runs, by digest, in `deploy/environments/ENV.toml`, in git."""

import hashlib
import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import tomlkit
import tomllib

from atoll_control.docker import docker
from atoll_control.errors import UserError
from atoll_control.files import Checkout, write_atomically
from atoll_control.images.inputs import image_names
from atoll_control.images.record import read_builds
from atoll_control.images.registry import holds
from atoll_control.images.settings import BuildSettings
from atoll_control.images.tracked import DIRTY, find_commit

HEADER = "The images that {name} runs: `./atoll up {name}` takes what is not here from the last build; commit it."


@dataclass(frozen=True)
class Released:
    """An image by digest, the commit that last touched what is in it, and the hash of its lock."""

    image: str
    commit: str | None
    lock: str

    @property
    def version(self) -> str:
        """A short name: the beginning of the digest."""
        return self.image.rpartition("@sha256:")[2][:12]


Release = dict[str, Released]


def release_file(checkout: Checkout, name: str) -> Path:
    """Return where the release of an environment is kept."""
    return checkout.environments / f"{name}.toml"


def plan_release(checkout: Checkout, name: str) -> tuple[Release, list[str]]:
    """Return the image of each part, and of which parts it is that of the last build: those that have none.

    Raises:
        UserError: the file is not valid, or a part has no image in a registry.
    """
    return complete_release(checkout, name, read_release(checkout, name))


def complete_release(checkout: Checkout, name: str, known: Release) -> tuple[Release, list[str]]:
    """Return the image of each part, and which parts are not `known`: theirs is that of the last build.

    Raises:
        UserError: a part has no image in a registry.
    """
    builds = read_builds(checkout)
    release: Release = {}
    for part in image_names(checkout):
        if part in known:
            release[part] = known[part]
            continue
        build = builds.get(part)
        if build is None or not is_pinned(build.reference):
            raise UserError(
                f"{name} has no image of {part}.",
                f"{release_file(checkout, name).relative_to(checkout.root)} names none, and "
                + ("it was never built here." if build is None else "the last build was not pushed to a registry."),
                f"./atoll build && ./atoll up {name}",
            )
        release[part] = Released(build.reference, build.commit, build.lock)
    return release, [part for part in release if part not in known]


def read_release(checkout: Checkout, name: str) -> Release:
    """Return what the file says, nothing where there is none.

    Raises:
        UserError: it is not valid.
    """
    path = release_file(checkout, name)
    if not path.is_file():
        return {}
    where = path.relative_to(checkout.root)
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise UserError(f"{where} cannot be read.", f"{error}.", "mend that file, or remove it.") from None
    return parse_release(text, str(where))


def parse_release(text: str, where: str) -> Release:
    """Return what the text of such a file says.

    Raises:
        UserError: it is not valid.
    """
    try:
        images: dict[str, Any] = tomllib.loads(text).get("images", {})
        release = {part: Released(entry["image"], entry.get("commit"), entry["lock"]) for part, entry in images.items()}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError(
            f"{where} cannot be read.",
            f"{type(error).__name__}: {error}.",
            "correct it, or remove it to take the last build.",
        ) from None
    for part, released in release.items():
        if not is_pinned(released.image):
            raise UserError(
                f"{where} does not say which image of {part} it is.",
                f"{released.image} is not named by digest, and may be another one tomorrow.",
                f"remove [images.{part}] there to take the last build.",
            )
    return release


def require_complete(checkout: Checkout, name: str) -> Release:
    """Return what the file says of every part that there is now.

    Raises:
        UserError: the file is not valid, or does not have them all.
    """
    known = read_release(checkout, name)
    if missing := [part for part in image_names(checkout) if part not in known]:
        raise UserError(
            f"the release of {name} has no image of {', '.join(missing)}.",
            f"{release_file(checkout, name).relative_to(checkout.root)} does not name "
            f"{'it' if len(missing) == 1 else 'them'}.",
            f"./atoll build && ./atoll release --all {name}",
        )
    return {part: known[part] for part in image_names(checkout)}


def find_source(checkout: Checkout, name: str) -> str:
    """Return the commit that the file of an environment is of, or `uncommitted` and the beginning of its hash."""
    path = release_file(checkout, name)
    commit = find_commit(checkout, [str(path)])
    if commit and not commit.endswith(DIRTY):
        return commit
    return f"uncommitted {hashlib.sha256(path.read_bytes()).hexdigest()[:12]}"


def require_images(checkout: Checkout, name: str, release: Release, settings: BuildSettings) -> None:
    """Refuse a release of images that the registry of the settings should have, and neither it nor the engine has.

    Raises:
        UserError: an image is not there.
    """
    for part, released in release.items():
        if not is_there(settings, part, released):
            raise UserError(
                f"the image of {part} that {name} runs is not here.",
                f"{release_file(checkout, name).relative_to(checkout.root)} names {released.image}, which the registry "
                "does not have: it was built on another machine, perhaps.",
                f"./atoll build, and remove [images.{part}] there to take what was built; "
                "or name a registry that all machines share in deploy/build.toml.",
            )


def is_there(settings: BuildSettings, part: str, released: Released) -> bool:
    """Say whether the registry of the settings, or else the engine, has an image; one of another registry may be."""
    repository, _, digest = released.image.partition("@")
    if repository != settings.repository(part) or holds(settings, part, digest):
        return True
    return docker("image", "inspect", released.image).code == 0


def write_release(checkout: Checkout, name: str, release: Release) -> None:
    """Write the file."""
    document = tomlkit.document()
    document.add(tomlkit.comment(HEADER.format(name=name)))
    images = tomlkit.table(is_super_table=True)
    for part, released in release.items():
        images[part] = {key: value for key, value in asdict(released).items() if value is not None}
    document["images"] = images
    write_atomically(release_file(checkout, name), tomlkit.dumps(document))


def is_pinned(reference: Any) -> bool:
    """Say whether it names an image by digest."""
    return bool(re.fullmatch(r"[\w.:/-]+@sha256:[0-9a-f]{64}", str(reference)))
