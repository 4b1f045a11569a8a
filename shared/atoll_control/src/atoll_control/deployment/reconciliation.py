"""Reconciliation: what runs becomes what the files say, and the history says so."""

from collections.abc import Mapping, Sequence
from contextlib import suppress

from atoll_control.author import find_author
from atoll_control.console import BAD, GOOD, err, say, show_problem
from atoll_control.deployment.drift import Drift, find_drift
from atoll_control.deployment.history import RUNNING, History
from atoll_control.deployment.release import Release, Released, find_source
from atoll_control.deployment.rolling import point, roll
from atoll_control.deployment.server import Server
from atoll_control.deployment.startup import (
    fetch_certificate,
    start_containers,
    wait_for_answers,
    wait_for_page,
    wait_until_loaded,
    wait_until_well,
)
from atoll_control.deployment.variables import write_variables
from atoll_control.docker import docker
from atoll_control.errors import UserError
from atoll_control.graphql import Location
from atoll_control.projects import Project

_MEND = "mend code_locations/{name}, then build, release and deploy it (the page has the traceback)"


def reconcile(server: Server, projects: Sequence[Project], release: Release, verb: str, reason: str) -> bool:
    """Bring an environment, whose files were written for a release, to what they say; say whether all came up.

    A part that does not come up stays as it was.

    Raises:
        UserError: the platform itself does not start.
    """
    drift, history = find_drift(server, projects), History(server.folder / "history")
    if not drift:
        _end_interrupted(history, release)
        say(f"nothing to do: {server.name} is what its files say", GOOD)
        return _is_well(server)
    before = history.current() or _find_running(server, release)
    begun = history.begin(
        verb=verb,
        author=find_author(server.checkout),
        reason=reason,
        source=find_source(server.checkout, server.name),
        release=release,
        before=before,
    )
    try:
        failed = _start(server, projects) if drift.cold else _replace(server, projects, drift)
    except UserError as error:
        # Whether a part has come up is known of none that was to be another one.
        changed = [part for part, released in release.items() if released != before.get(part)]
        history.end(begun, dict.fromkeys(changed or ["control"], error.why))
        raise
    if failed and not drift.cold:
        # What stays is what the files say: otherwise whatever else Compose does would replace it.
        kept = {part: before[part] for part in failed if part in before}
        deploy, settings = server.checkout.deploy, server.settings
        write_variables(server.name, server.folder, server.secrets, deploy, settings, release | kept, projects)
    history.end(begun, {part: error.why for part, error in failed.items()})
    for part, error in failed.items():
        say(f"{part} is not what the release says", BAD)
        show_problem(error)
    return not failed


def _end_interrupted(history: History, release: Release) -> None:
    """Write down that a deployment of this very release has come to its end, although its command was killed."""
    newest = next(iter(history.list()), None)
    if newest and newest.outcome == RUNNING and newest.release == release:
        history.end(newest, {})


def _find_running(server: Server, release: Release) -> Release:
    """Return the images that run, of an environment without a history."""
    boxes = [box for box in server.containers() if box.state == "running"]
    running = {"control" if box.service == "webserver" else box.service: box.image for box in boxes}
    return {part: Released(image, None, "") for part, image in running.items() if part in release}


def _is_well(server: Server) -> bool:
    """Tell what is not well although nothing is to be done about it here."""
    broken = [location for location in wait_for_answers(server) if location.error is not None]
    for location in broken:
        say(f"{location.name} is not loaded", BAD)
        show_problem(location.explain(_MEND.format(name=location.name)))
    sick = [box for box in server.containers() if not (box.well or box.starting)]
    for box in sick:
        say(f"{box.service} {box}: ./atoll logs {server.name} {box.service}", BAD)
    return not broken and not sick


def _start(server: Server, projects: Sequence[Project]) -> Mapping[str, UserError]:
    """Start everything at once."""
    failed: dict[str, UserError] = {}

    def tell(location: Location) -> None:
        if location.loaded:
            say(f"{location.name} is loaded", GOOD)
        else:
            failed[location.name] = location.explain(_MEND.format(name=location.name))

    start_containers(server)
    names = {project.name for project in projects}
    for box in server.containers():
        # One that ends at once is found, and told, by waiting for it.
        if box.service in names and box.state == "running":
            with suppress(UserError):
                point(box)
    with err.status("waiting for the page"):
        fetch_certificate(server)
        wait_until_loaded(server, projects, tell)
    return failed


def _replace(server: Server, projects: Sequence[Project], drift: Drift) -> Mapping[str, UserError]:
    """Replace the services of the platform at once, as page and daemon may pause, and code servers without a gap."""
    if drift.platform:
        say(f"starting {', '.join(drift.platform)}")
        known = server.configurations()
        if gone := [box.id for box in server.containers() if box.service not in known]:
            docker("rm", "--force", *gone)
        if named := [name for name in drift.platform if name in known]:
            start_containers(server, *named)
            fetch_certificate(server)
            wait_until_well(server, named)
        # Which code servers are asked is seen from the webserver.
        drift = find_drift(server, projects)
    wait_for_page(server)
    return roll(server, drift.locations, say)
