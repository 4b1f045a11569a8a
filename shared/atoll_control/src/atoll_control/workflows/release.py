"""`release`: the images that were built last become those that an environment is to run."""

from atoll_control.console import BAD, say
from atoll_control.deployment.release import Released, is_pinned, is_there, read_release
from atoll_control.deployment.settings import read_settings
from atoll_control.errors import UserError
from atoll_control.files import Checkout
from atoll_control.images.inputs import read_inputs
from atoll_control.images.record import Image, read_builds
from atoll_control.images.settings import BuildSettings, read_build_settings
from atoll_control.images.tracked import DIRTY
from atoll_control.workflows.build import select_names
from atoll_control.workflows.replacement import combine, replace_release


def release(checkout: Checkout, location: str | None, name: str, *, dry_run: bool) -> int:
    """Write the last build of a location, or of every part, into the release file of an environment."""
    read_settings(checkout, name)
    known, builds, settings = read_release(checkout, name), read_builds(checkout), read_build_settings(checkout)
    parts = select_names(checkout, [location] if location else [])
    images = {part: _require_pushed(settings, part, builds.get(part)) for part in parts}
    for part, image in images.items():
        _warn(checkout, part, image)
    built = {part: Released(image.reference, image.commit, image.lock) for part, image in images.items()}
    replace_release(checkout, name, known, combine(checkout, known, built, everything=not location), dry_run=dry_run)
    if not dry_run:
        say(f"to run it: ./atoll deploy {name}")
    return 0


def _require_pushed(settings: BuildSettings, part: str, image: Image | None) -> Image:
    """Refuse what nobody else could pull.

    Raises:
        UserError: it was never built, never pushed, or the registry has lost it.
    """
    how = f"./atoll build {part}"
    if image is None:
        raise UserError(f"{part} cannot be released.", "it was never built here.", how)
    if not is_pinned(image.reference):
        why = f"its last build, {image.reference}, was not pushed to a registry."
        raise UserError(f"{part} cannot be released.", why, how)
    if not is_there(settings, part, Released(image.reference, image.commit, image.lock)):
        why = f"its last build, {image.reference}, is not in the registry any more."
        raise UserError(f"{part} cannot be released.", why, how)
    return image


def _warn(checkout: Checkout, part: str, image: Image) -> None:
    """Say where what was built is not what is here now, or in no commit."""
    now = read_inputs(checkout, part).files
    differing = sorted({path for path, _ in now.items() ^ image.files.items()})
    if differing:
        more = f" and {len(differing) - 1} more" if differing[1:] else ""
        say(
            f"{part} has changed since it was built: {differing[0]}{more} (to take that too: ./atoll build {part})", BAD
        )
    if (image.commit or DIRTY).endswith(DIRTY):
        say(f"{part} was built with files that no commit has", BAD)
