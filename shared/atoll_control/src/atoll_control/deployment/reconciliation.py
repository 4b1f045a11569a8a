"""Reconciliation: what runs becomes what the files say, and the history says so."""

from collections.abc import Mapping, Sequence

from atoll_control.author import find_author
from atoll_control.console import BAD, GOOD, err, say, show_problem
from atoll_control.deployment.drift import Drift, find_drift
from atoll_control.deployment.history import History
from atoll_control.deployment.release import Release, find_source
from atoll_control.deployment.rolling import point, roll
from atoll_control.deployment.server import Server
from atoll_control.deployment.startup import fetch_certificate, start_containers, wait_for_page, wait_until_loaded
from atoll_control.deployment.variables import write_variables
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
    drift = find_drift(server, projects)
    if not drift:
        say(f"nothing to do: {server.name} is what its files say", GOOD)
        return _is_loaded(server)
    history = History(server.folder / "history")
    before = history.current()
    begun = history.begin(
        verb=verb,
        author=find_author(server.checkout),
        reason=reason,
        source=find_source(server.checkout, server.name),
        release=release,
        before=before,
    )
    try:
        failed = _start(server, projects) if drift.cold else _replace(server, drift)
    except UserError as error:
        history.end(begun, dict.fromkeys(release, error.why))
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


def _is_loaded(server: Server) -> bool:
    """Tell what does not load although nothing is to be done about it here."""
    wait_for_page(server)
    broken = [location for location in server.page().locations() if location.error is not None]
    for location in broken:
        say(f"{location.name} is not loaded", BAD)
        show_problem(location.explain(_MEND.format(name=location.name)))
    return not broken


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
        if box.service in names and box.state == "running":
            point(box)
    with err.status("waiting for the page"):
        fetch_certificate(server)
        wait_until_loaded(server, projects, tell)
    return failed


def _replace(server: Server, drift: Drift) -> Mapping[str, UserError]:
    """Replace the services of the platform at once, as page and daemon may pause, and code servers without a gap."""
    if drift.platform:
        say(f"starting {', '.join(drift.platform)}")
        start_containers(server, *(name for name in drift.platform if name in server.configurations()))
        fetch_certificate(server)
        wait_for_page(server)
    return roll(server, drift.locations, say)
