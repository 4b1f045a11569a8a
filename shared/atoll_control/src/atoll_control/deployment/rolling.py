"""Rolling: the new code server of a location starts beside the old one, takes over, and only then the old one goes.

Each listens at a socket of its own, and a link that is renamed says which is asked: no call finds nobody, and none
finds either of two. Webserver and daemon notice another server within seconds, by its id; should the daemon miss
it, it does when it looks at all locations anew, every 60 s (Dagster 1.13, `_core/workspace/context.py` and
`_daemon/controller.py`).
"""

import json
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from atoll_control.deployment.compose import SOCKETS
from atoll_control.deployment.drift import find_asked, is_right
from atoll_control.deployment.server import Container, Server, count_restarts
from atoll_control.docker import docker, join_lines, last_line
from atoll_control.errors import UserError
from atoll_control.graphql import Location

# Seconds: until a code server listens, until the page shows it, in which it is watched and the daemon has noticed it,
# and in which calls to the old one may end.
STARTING = 180.0
NOTICING = 60.0
WATCHING = 65.0
ENDING = 90
# In which one that is taken back may end.
LEAVING = 30
POLL = 0.5
LINES = 8
_ENDED = ("created", "exited", "dead")

# Not whether there is a socket: a process that was killed leaves it.
_LISTENS = """import os, socket
socket.socket(socket.AF_UNIX).connect(f"{os.environ['ATOLL_SOCKETS']}/{os.environ['HOSTNAME']}.sock")"""
_POINT = 'cd "$ATOLL_SOCKETS" && ln -sf "$HOSTNAME.sock" .next && mv -T .next current.sock'
_TIDY = (
    'cd "$ATOLL_SOCKETS" && for s in *.sock; do case $s in current.sock|"$HOSTNAME.sock") ;; *) rm -f "$s";; esac; done'
)
_VALIDATE = "cat > /tmp/$1.yaml && dagster definitions validate --log-format json --workspace /tmp/$1.yaml"


@dataclass(frozen=True)
class Roll:
    """A location on its way from old containers, of which there may be none, to a new one.

    The first of the old ones is the one that was asked, unless the new one `is_asked` already: by a deployment that was
    killed. `restarts` is how often the new one had ended before.
    """

    server: Server
    location: str
    old: tuple[Container, ...]
    new: Container
    is_asked: bool
    restarts: int

    def require_well(self) -> None:
        """Refuse a code server that does not listen, or whose definitions do not load.

        Raises:
            UserError: with its last lines, or with the error of the definitions.
        """
        deadline = time.monotonic() + STARTING
        while docker("exec", self.new.id, "python", "-ISc", _LISTENS).code:
            self.require_alive()
            if time.monotonic() > deadline:
                raise self.explain(f"it does not answer after {STARTING:.0f} s")
            time.sleep(POLL)
        target = {"socket": f"{SOCKETS}/{self.location}/{self.new.id[:12]}.sock", "location_name": self.location}
        workspace = json.dumps({"load_from": [{"grpc_server": target}]})
        # From where the platform will ask it, with the Dagster of the platform.
        output = self.server.execute("webserver", "sh", "-euc", _VALIDATE, "sh", self.location, input=workspace)
        if output.code:
            raise _explain_definitions(self.location, output.stdout + output.stderr)

    def require_alive(self) -> None:
        """Refuse a code server that has ended, also where Docker has started it again."""
        if count_restarts(self.new.id) != self.restarts:
            raise self.explain("it has ended")

    def take_over(self) -> None:
        """Let the new code server be asked, and see that the page has noticed.

        Raises:
            UserError: it has not.
        """
        before = None if self.is_asked else self._find()
        point(self.new)
        start, reloaded = time.monotonic(), False
        while (now := self._find()) is None or not now.loaded or (before and now.version == before.version):
            self.require_alive()
            waited = time.monotonic() - start
            if waited > NOTICING:
                raise self.explain(f"the page does not show it: {(now and now.error) or 'it shows the old one'}")
            if waited > NOTICING / 3 and not reloaded:
                with suppress(OSError, ValueError, RuntimeError):
                    self.server.page().reload(self.location)
                reloaded = True
            time.sleep(POLL)

    def undo(self) -> None:
        """Let the old code server be asked as before, and remove the new one, which stays where no old one runs."""
        if any(_can_point(box) for box in self.old):
            docker("stop", "--time", str(LEAVING), self.new.id)
            docker("rm", "--force", self.new.id)
        else:
            _can_point(self.new)

    def finish(self) -> None:
        """Remove what the old containers have left."""
        docker("exec", self.new.id, "sh", "-c", _TIDY)

    def _find(self) -> Location | None:
        try:
            return next((found for found in self.server.page().locations() if found.name == self.location), None)
        except (OSError, ValueError, RuntimeError):
            return None

    def explain(self, why: str) -> UserError:
        """Say why the new code server was not taken, with what it has printed last."""
        return _explain(self.location, self.new, why)


def roll(server: Server, locations: Sequence[str], tell: Callable[[str], None]) -> dict[str, UserError]:
    """Replace the code servers of locations; return why one stayed as it was, by location.

    All are watched together after they have taken over: one that ends meanwhile gives way to the old one again.
    """
    rolls, failed = [], {}
    for location in locations:
        begun = None
        try:
            begun = begin(server, location)
            begun.require_well()
            begun.take_over()
        except UserError as error:
            failed[location] = error
            if begun:
                begun.undo()
        else:
            tell(f"{location} has taken over")
            rolls.append(begun)
    if any(one.old for one in rolls):
        tell(f"watching for {WATCHING:.0f} s, then the old code servers end")
    failed |= _watch(rolls)
    done = [one for one in rolls if one.location not in failed]
    if going := [box.id for one in done for box in one.old]:
        docker("stop", "--time", str(ENDING), *going)
        if (output := docker("rm", "--force", *going)).code:
            tell(f"old code servers are still there, until the next deployment: {last_line(output)}")
    for one in done:
        one.finish()
    return failed


def begin(server: Server, location: str) -> Roll:
    """Start the code server that the files describe beside those that run; one that was started so already is it.

    Raises:
        UserError: it cannot be started.
    """
    wanted = server.configurations()[location]
    asked = find_asked(server).get(location, "")
    # The one that is asked comes first.
    mine = [box for box in server.containers() if box.service == location]
    mine.sort(key=lambda box: not (asked and box.id.startswith(asked)))
    new = next((box for box in mine if is_right(box, {location: wanted})), None)
    dead = [box.id for box in mine if box is not new and (box.configuration == wanted or box.state in _ENDED)]
    if dead:
        docker("rm", "--force", *dead)
    old = [box for box in mine if box is not new and box.id not in dead]
    new = new or _start(server, location, old)
    is_asked = bool(asked) and new.id.startswith(asked)
    return Roll(server, location, tuple(old), new, is_asked, count_restarts(new.id) or 0)


def _start(server: Server, location: str, old: Sequence[Container]) -> Container:
    """Start a container beside those that are there; one that does not run is removed again.

    Raises:
        UserError: it does not run.
    """
    output = server.compose(
        "up", "--detach", "--no-deps", "--no-recreate", "--scale", f"{location}={len(old) + 1}", location
    )
    known = {box.id for box in old}
    new = next((box for box in server.containers() if box.service == location and box.id not in known), None)
    if new is not None and new.state == "running":
        return new
    if new is None:
        why = f"{last_line(output)}."
        raise UserError(f"{location} has no new code server.", why, f"./atoll status {server.name}")
    error = _explain(location, new, f"it {new}")
    docker("rm", "--force", new.id)
    raise error


def point(container: Container) -> None:
    """Let a code server be the one that is asked.

    Raises:
        UserError: it does not run.
    """
    output = docker("exec", container.id, "sh", "-c", _POINT)
    if output.code:
        raise UserError(
            f"{container.service} cannot be switched.",
            f"{last_line(output)}.",
            "see why its container does not run (./atoll logs), then this again.",
        )


def _can_point(container: Container) -> bool:
    try:
        point(container)
    except UserError:
        return False
    return True


def _watch(rolls: Sequence[Roll]) -> dict[str, UserError]:
    """Watch code servers that have taken over; return why one was taken back, by location."""
    failed: dict[str, UserError] = {}
    deadline = time.monotonic() + (WATCHING if any(one.old for one in rolls) else 0.0)
    while time.monotonic() < deadline:
        for one in rolls:
            if one.location not in failed and count_restarts(one.new.id) != one.restarts:
                failed[one.location] = one.explain("it has ended after it had taken over")
                one.undo()
        time.sleep(POLL)
    return failed


def _explain(location: str, container: Container, why: str) -> UserError:
    said = docker("logs", "--tail", str(LINES), container.id)
    lines = join_lines(said.stdout + said.stderr)
    return UserError(
        f"the new code server of {location} was not taken.",
        f"{why}; its last lines: {lines or 'none'}",
        f"mend code_locations/{location}, then build, release and deploy it.",
    )


def _explain_definitions(location: str, said: str) -> UserError:
    """Find the error in what `dagster definitions validate` logs, one JSON object a line."""
    events = [event for event in map(_read_event, said.splitlines()) if event.get("level") == "error"]
    text = str(events[0].get("event", "")) if events else said.strip()[-300:]
    lines = [line.strip() for line in text.splitlines()[1:] if line.strip()]
    return Location(location, False, "\n".join(lines) or text).explain(
        f"mend code_locations/{location}, then build, release and deploy it."
    )


def _read_event(line: str) -> dict[str, Any]:
    """Read one line of the log: nothing where it is another one."""
    try:
        event = json.loads(line)
    except ValueError:
        return {}
    return event if isinstance(event, dict) else {}
