"""`rollback`: a part of an environment runs an image again that it ran before."""

from atoll_control.deployment.difference import name_image
from atoll_control.deployment.history import ROLLBACK, History
from atoll_control.deployment.release import Released, is_there, read_release
from atoll_control.deployment.server import Server
from atoll_control.errors import UserError
from atoll_control.files import Checkout
from atoll_control.images.settings import read_build_settings
from atoll_control.projects import discover_projects
from atoll_control.workflows.build import select_names
from atoll_control.workflows.replacement import change_server, changing, combine


def roll_back(checkout: Checkout, part: str, name: str, *, to: str | None, reason: str | None, dry_run: bool) -> int:
    """Write the image that the part ran before, or the one that is named, into the release file, and deploy that.

    Returns:
        0 when everything came up, else 1.

    Raises:
        UserError: there is no such image, or it does not go with what runs beside it.
    """
    server = Server(checkout, name)
    select_names(checkout, [part])
    with changing(server, ROLLBACK, dry_run=dry_run):
        return _roll_back(server, part, to=to, reason=reason, dry_run=dry_run)


def _roll_back(server: Server, part: str, *, to: str | None, reason: str | None, dry_run: bool) -> int:
    checkout, name = server.checkout, server.name
    known, history = read_release(checkout, name), History(server.folder / "history")
    # What the file does not name would be taken from the last build.
    base = history.current() | known
    current = base.get(part)
    target = _find(history, part, name, current, to)
    if current:
        _require_same_packages(checkout, part, name, current, target)
    if not is_there(read_build_settings(checkout), part, target):
        raise UserError(
            f"{part} cannot go back to {name_image(target)}.",
            "neither the registry nor this machine has that image any more.",
            f"name another one: {_list_versions(history, part)}; or git checkout its commit, build and release that.",
        )
    wanted = combine(checkout, base, {part: target}, everything=not known)
    reason = reason or f"rolled back from {name_image(current)} to {name_image(target)}"
    return change_server(server, known, wanted, [part], verb=ROLLBACK, reason=reason, dry_run=dry_run)


def _find(history: History, part: str, name: str, current: Released | None, to: str | None) -> Released:
    ran = list(history.images(part).values())
    what = f"{part} of {name} cannot go back{f' to {to}' if to else ''}."
    if not ran or current is None:
        why = "no deployment is known in which it came up."
        raise UserError(what, why, f"./atoll history {name}; to run another image: ./atoll release {part} {name}")
    if to is None:
        if found := history.previous(part, current):
            return found
        raise UserError(
            what,
            f"nothing is known to have come up before {name_image(current)} that was not taken back.",
            f"name one: ./atoll rollback {part} {name} --to VERSION; it ran {_list_versions(history, part)}.",
        )
    digest = to.removeprefix("sha256:")
    found = [
        image
        for image in ran
        if digest and (image.image.rpartition("@sha256:")[2].startswith(digest) or (image.commit or "").startswith(to))
    ]
    if len(found) == 1:
        return found[0]
    why = (
        f"{len(found)} images begin so"
        if found
        else "no image of it that came up there has a digest or commit that begins so"
    )
    raise UserError(what, f"{why}.", f"name one of {_list_versions(history, part)}.")


def _require_same_packages(checkout: Checkout, part: str, name: str, current: Released, target: Released) -> None:
    """Refuse an older Dagster or MLflow: its database is as the newer one has left it.

    Raises:
        UserError: the part is no project, and the two images hold other packages.
    """
    if current.lock == target.lock or part in (project.name for project in discover_projects(checkout)):
        return
    raise UserError(
        f"{part} of {name} cannot go back by its image alone.",
        f"{name_image(target)} has other packages than {name_image(current)}, and the database may have been migrated "
        "to newer ones, which older ones do not read.",
        f"./atoll restore {name} FILE, of a backup from before; or mend it, and release {part} again.",
    )


def _list_versions(history: History, part: str) -> str:
    return ", ".join(name_image(image) for image in history.images(part).values()) or "none"
