"""A release that replaces another one: the file is written, told as a difference, and deployed."""

from collections.abc import Collection, Generator, Iterable, Sequence
from contextlib import contextmanager

from atoll_control.console import BAD, GOOD, say
from atoll_control.deployment.difference import list_changes
from atoll_control.deployment.history import History
from atoll_control.deployment.lock import held
from atoll_control.deployment.preparation import require_certificate, require_derived
from atoll_control.deployment.release import Release, release_file, write_release
from atoll_control.deployment.restoring import require_whole
from atoll_control.deployment.secrets import require_own, require_secrets
from atoll_control.deployment.server import Server
from atoll_control.docker import require_engine
from atoll_control.errors import UserError
from atoll_control.files import Checkout
from atoll_control.images.inputs import image_names
from atoll_control.process import exclusive
from atoll_control.projects import Project, discover_projects
from atoll_control.workflows.deploy import deploy_held


@contextmanager
def changing(server: Server, verb: str, *, dry_run: bool) -> Generator[None]:
    """Hold the lock of an environment while its release is read, replaced and deployed; a dry run needs none.

    Raises:
        UserError: no engine answers, or another command holds the lock.
    """
    if dry_run:
        yield
        return
    require_engine()
    with held(server, verb):
        yield


def combine(checkout: Checkout, known: Release, taken: Release, *, everything: bool) -> Release:
    """Return a release with what was taken in the place of what it has; with `everything` without what is gone."""
    merged = known | taken
    # A folder that cannot be read at the moment is not gone: its image stays.
    there = dict.fromkeys([*image_names(checkout), *(project.name for project in discover_projects(checkout))])
    order = there if everything else there | known
    return {part: merged[part] for part in order if part in merged}


def replace_release(checkout: Checkout, name: str, known: Release, wanted: Release, *, dry_run: bool) -> None:
    """Write the release file where it says something else, and tell the difference."""
    file = release_file(checkout, name).relative_to(checkout.root)
    if known == wanted:
        say(f"{file} says that already")
        return
    if dry_run:
        say(f"would write {file}")
    else:
        write_release(checkout, name, wanted)
        say(f"wrote {file}: commit it", GOOD)
    for change in list_changes(known, wanted):
        say(f"  {change}")


def change_server(
    server: Server,
    known: Release,
    wanted: Release,
    parts: Collection[str],
    *,
    verb: str,
    reason: str,
    dry_run: bool,
) -> int:
    """Write the release file and deploy it, within `changing`.

    What else the file says and does not run goes with the parts, and is told.

    Returns:
        The exit code of the deployment; the file stays as written where that failed, for it says what is wanted.

    Raises:
        UserError: it cannot be deployed; where that is known before, nothing was written.
    """
    checkout, name, history = server.checkout, server.name, History(server.folder / "history")
    projects = _require_deployable(server, wanted)
    current = history.current()
    replace_release(checkout, name, known, wanted, dry_run=dry_run)
    for change in list_changes(current, wanted) if current else ():
        if change.part in wanted and change.part not in parts:
            say(f"goes with it, for the file says so and it does not run: {change}")
    if dry_run:
        say(f"would deploy {name}: {reason}")
        return 0
    count = len(history.list())
    try:
        code = deploy_held(server, projects, verb=verb, reason=reason)
    except UserError:
        _tell_way_back(server, [])
        raise
    if code:
        # None is recorded where there was nothing to do and something does not load all the same.
        recorded = history.list()
        _tell_way_back(server, recorded[0].failed if len(recorded) > count else [])
    return code


def _require_deployable(server: Server, wanted: Release) -> Sequence[Project]:
    """Return the projects, and refuse what a deployment would refuse.

    Raises:
        UserError: what is in the way.
    """
    checkout = server.checkout
    projects = [project for project in discover_projects(checkout) if not project.problem]
    require_derived(checkout, projects)
    require_own(server.secrets)
    require_secrets(server.secrets, projects)
    require_certificate(server)
    require_whole(server)
    if missing := [part for part in image_names(checkout) if part not in wanted]:
        raise UserError(
            f"the release of {server.name} has no image of {', '.join(missing)}.",
            "everything in deploy/compose.yaml runs there.",
            f"./atoll promote {missing[0]} --from ENV --to {server.name}",
        )
    return projects


def is_locked(server: Server) -> bool:
    """Say whether a command works on the environment at this moment."""
    lock = server.folder / "lock"
    if not lock.is_file():
        return False
    with exclusive(lock) as free:
        return not free


def _tell_way_back(server: Server, failed: Iterable[str]) -> None:
    file, name = release_file(server.checkout, server.name).relative_to(server.checkout.root), server.name
    say(f"{file} stays as written: it says what is wanted; to try again: ./atoll deploy {name}", BAD)
    for part in failed:
        say(f"to go back with {part}: ./atoll rollback {part} {name}")
