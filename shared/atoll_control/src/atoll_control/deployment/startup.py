"""The start of a server: its containers, and waiting until the page has loaded everything."""

import ssl
import subprocess
import sys
import time
import urllib.error
from collections.abc import Callable, Sequence

from atoll_control.deployment.server import ONCE, Container, Server, count_restarts
from atoll_control.docker import join_lines, last_line
from atoll_control.errors import UserError
from atoll_control.files import write_atomically
from atoll_control.graphql import UNREACHABLE, Location
from atoll_control.process import clean_environment, port_is_free
from atoll_control.projects import Project

AUTHORITY = "/data/caddy/pki/authorities/local/root.crt"
PATIENCE = 300.0
POLL = 0.5
# Seconds in which a code server that was started again is likely to answer.
ANSWERING = 60.0
# Seconds in which a container that cannot go on is likely to end.
SETTLING = 10.0
LINES = 10


def start_containers(server: Server, *services: str) -> None:
    """Start what does not run, and replace what is not as described; on a terminal Compose shows how far it is.

    Of all services or of those that are named, and of what these need.

    Raises:
        UserError: a container does not start.
    """
    arguments = ("up", "--detach", "--remove-orphans", *services)
    if sys.stderr.isatty():
        command, variables = server.compose_command(*arguments)
        code = subprocess.run(command, env=clean_environment(**variables), check=False, close_fds=False).returncode
        said = f"Compose ended with {code}, see above"
    else:
        output = server.compose(*arguments)
        code, said = output.code, last_line(output)
    # Not every Compose ends with an error when a container could not be started.
    concerned = [box for box in server.containers() if not services or box.service in {*services, *ONCE}]
    if code or any(box.state == "created" for box in concerned):
        raise _explain(server, said)


def fetch_certificate(server: Server) -> None:
    """Keep the root certificate of the proxy's own authority where clients of this machine find it."""
    if server.settings.tls != "internal":
        return
    deadline = time.monotonic() + PATIENCE
    while (output := server.execute("proxy", "cat", AUTHORITY)).code:
        if time.monotonic() > deadline:
            raise _explain(server, f"the proxy has no certificate: {last_line(output)}")
        time.sleep(POLL)
    write_atomically(server.folder / "ca.crt", output.stdout)


def wait_until_loaded(server: Server, projects: Sequence[Project], tell: Callable[[Location], None]) -> bool:
    """Wait until the page has loaded every location or knows why not, and every other container is well.

    Args:
        server: Where containers were started.
        projects: What should be loaded.
        tell: Hears of each location once.

    Returns:
        Whether all are loaded.

    Raises:
        UserError: that does not happen in time.
    """
    names = {project.name for project in projects}
    waiting = set(names)
    deadline, loaded = time.monotonic() + PATIENCE, True
    while waiting or not all(box.well or (box.starting and box.service in names) for box in server.containers()):
        locations, said = _ask(server)
        for location in locations:
            # What does not answer yet has no other way to say so than a location that was never loaded.
            if location.name in waiting and not _is_starting(location):
                waiting.discard(location.name)
                loaded = loaded and location.loaded
                tell(location)
        if time.monotonic() > deadline:
            raise _explain(server, said)
        time.sleep(POLL)
    return loaded


def wait_for_page(server: Server) -> None:
    """Wait until the page answers, whatever it has loaded.

    Raises:
        UserError: that does not happen in time.
    """
    deadline = time.monotonic() + PATIENCE
    while not (answer := _ask(server))[0]:
        if time.monotonic() > deadline:
            raise _explain(server, answer[1])
        time.sleep(POLL)


def wait_for_answers(server: Server) -> list[Location]:
    """Return what the page knows of the locations, once all code servers have answered it or have had their time.

    Raises:
        UserError: the page itself does not answer in time.
    """
    wait_for_page(server)
    deadline, found = time.monotonic() + ANSWERING, _ask(server)[0]
    while any(map(_is_starting, found)) and time.monotonic() < deadline:
        time.sleep(POLL)
        found = _ask(server)[0]
    return found


def wait_until_well(server: Server, services: Sequence[str]) -> None:
    """Wait until the containers of services are well, and stay so for a while.

    Raises:
        UserError: one does not become so in time, or ends.
    """
    deadline, since, restarts = time.monotonic() + PATIENCE, time.monotonic(), None
    while time.monotonic() - since < SETTLING:
        boxes = [box for box in server.containers() if box.service in services]
        now = {box.id: count_restarts(box.id) for box in boxes}
        if now != restarts or {box.service for box in boxes if box.well} != set(services):
            since, restarts = time.monotonic(), now
        if time.monotonic() > deadline:
            raise _explain(server, "not everything is well")
        time.sleep(POLL)


def _ask(server: Server) -> tuple[list[Location], str]:
    """Return the locations that the page knows, and what is wrong should that be the last answer."""
    try:
        return server.page().locations(), f"not all locations have answered at {server.address}"
    except (OSError, ValueError, RuntimeError) as error:
        if refusal := _explain_refusal(server, error):
            raise refusal from error
        # The proxy answers before the webserver does, and the webserver before its database.
        return [], f"the page does not answer at {server.address} as it should: {error}"


def _explain_refusal(server: Server, error: Exception) -> UserError | None:
    """Explain an answer that no waiting changes; None where it is another one."""
    what = f"{server.name} runs, and does not let this command in."
    if isinstance(error, urllib.error.HTTPError) and error.code in (401, 403):
        users = server.secrets / "proxy" / "users"
        return UserError(
            what,
            f"the proxy refuses the login of {server.secrets / 'login'} ({error.code}).",
            f"put that user's line back into {users}, or remove both files: ./atoll up {server.name} makes them anew.",
        )
    if isinstance(error, urllib.error.URLError) and isinstance(error.reason, ssl.SSLCertVerificationError):
        return UserError(
            what,
            f"its certificate is not one for {server.settings.host}: {error.reason.verify_message}.",
            f"correct `host` or `tls` in deploy/environments/{server.name}.settings.toml, or the certificate.",
        )
    return None


def _is_starting(location: Location) -> bool:
    return not location.loaded and (location.error is None or UNREACHABLE in location.error)


def _explain(server: Server, said: str) -> UserError:
    """Explain what keeps the server from starting, by what Compose said and by the containers."""
    sick, settings = [container for container in server.containers() if not container.well], server.settings
    if "proxy" in {container.service for container in sick} and not port_is_free(settings.port):
        return UserError(
            f"{server.name} does not start.",
            f"port {settings.port} is in use by another program.",
            f"choose another one as `port` in deploy/environments/{server.name}.settings.toml.",
        )
    if not sick:
        return UserError(f"{server.name} does not start.", f"{said}.", f"./atoll status {server.name}")
    # One that waits for another one was only created.
    first = min(sick, key=lambda container: container.state == "created")
    lines, how = _last_lines(server, first), f"./atoll logs {server.name} {first.service}, mend that"
    if "password authentication failed" in lines or ("FATAL" in lines and "does not exist" in lines):
        # PostgreSQL was interrupted before it had made the databases, or the passwords are others than they were.
        how = f"docker exec atoll-{server.name}-postgres-1 sh /docker-entrypoint-initdb.d/databases.sh"
    return UserError(
        f"{server.name} does not start: {first.service} {first}.",
        f"its last lines: {lines or 'none'}",
        f"{how}, then: ./atoll up {server.name}",
    )


def _last_lines(server: Server, container: Container) -> str:
    output = server.compose("logs", "--no-log-prefix", "--no-color", "--tail", str(LINES), container.service)
    return join_lines(output.stdout)
