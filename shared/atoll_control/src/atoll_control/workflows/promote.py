"""`promote`: what one environment runs becomes what another one runs."""

from atoll_control.console import BAD, say
from atoll_control.deployment.difference import name_image
from atoll_control.deployment.history import History
from atoll_control.deployment.release import read_release, release_file, require_images
from atoll_control.deployment.server import Server
from atoll_control.errors import UserError
from atoll_control.files import Checkout
from atoll_control.images.inputs import image_names
from atoll_control.images.settings import read_build_settings
from atoll_control.workflows.build import select_names
from atoll_control.workflows.replacement import change_server, changing, combine


def promote(
    checkout: Checkout, location: str | None, source: str, target: str, *, reason: str | None, dry_run: bool
) -> int:
    """Copy the entry of a location, or all entries, from one release file to another one, and deploy that.

    Returns:
        0 when everything came up, else 1.
    """
    origin, server = Server(checkout, source), Server(checkout, target)
    if source == target:
        raise UserError(
            f"nothing was promoted from {source} to {target}.",
            "they are the same environment.",
            f"to change what it runs: ./atoll release {location or '--all'} {source}",
        )
    with changing(server, "promote", dry_run=dry_run):
        return _promote(origin, server, location, reason=reason or f"promoted from {source}", dry_run=dry_run)


def _promote(origin: Server, server: Server, location: str | None, *, reason: str, dry_run: bool) -> int:
    checkout, source, target = server.checkout, origin.name, server.name
    names = image_names(checkout)
    parts = select_names(checkout, [location]) if location else names
    tried, known = read_release(checkout, source), read_release(checkout, target)
    # All of them run there: what has no image there yet comes along, for it must come from somewhere.
    parts = [name for name in names if name in parts or name not in known]
    if missing := next((part for part in parts if part not in tried and (part not in known or location)), None):
        raise UserError(
            f"{source} has no image of {missing}.",
            f"{release_file(checkout, source).relative_to(checkout.root)} names none, and {target} needs one.",
            f"./atoll release {missing if tried else '--all'} {source} && ./atoll deploy {source}",
        )
    taken = {part: tried[part] for part in parts if part in tried}
    require_images(checkout, source, taken, read_build_settings(checkout))
    came_up = History(origin.folder / "history").current()
    for part, released in taken.items():
        if known.get(part) != released and (part not in came_up or came_up[part].image != released.image):
            say(f"{name_image(released)} is not what {part} came up with in {source} last", BAD)
    wanted = combine(checkout, known, taken, everything=not location)
    return change_server(server, known, wanted, parts, verb="promote", reason=reason, dry_run=dry_run)
