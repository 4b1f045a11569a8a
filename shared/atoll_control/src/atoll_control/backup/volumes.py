"""The volumes of an environment, through containers that have them and nothing else: no network, no right, no root."""

from collections.abc import Generator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import IO

from atoll_control.backup.containers import BACKUP, RESTORE, end_own, own_container
from atoll_control.backup.streams import Dialogue, reading, writing
from atoll_control.deployment.secrets import find_user
from atoll_control.deployment.server import Server
from atoll_control.docker import docker_command

# What else is in volumes is dumped, or made again by each start: sockets, and the guard's.
KEPT = ("store", "logs", "mlflow", "proxy")
FOLDER = "/volumes"
# Seconds in which the container starts, its image perhaps pulled, and in which every file is linked.
STARTING, MOMENT = 600.0, 120.0
# Seconds in which links are removed again.
TIDYING = 600.0

_INSIDE = Path(__file__).with_name("inside.py").read_text(encoding="utf-8")
_PYTHON = ("python", "-ISc", _INSIDE)


class Keeper:
    """A container that keeps the volumes as of one moment, until it is left."""

    def __init__(self, server: Server, image: str) -> None:
        self._name = own_container(server.name, BACKUP)
        self._server = server.name
        self._what = f"{server.name} was not backed up."
        self._how = f"mend that, then: ./atoll backup {server.name}"
        # What a killed one has left ends by itself, but perhaps not yet.
        end_own(server.name)
        command = _container(server, image, KEPT, BACKUP, "hold")
        self._container = Dialogue(command, self._what, self._how)
        self._container.hear(STARTING)

    def __enter__(self) -> "Keeper":
        """Keep nothing yet."""
        return self

    def __exit__(self, *_: object) -> None:
        """Forget what was kept."""
        self._container.close(TIDYING)
        end_own(self._server)

    def keep(self) -> None:
        """Keep the volumes as they are now; nobody writes meanwhile, and soon somebody shall again.

        Raises:
            UserError: it did not succeed, or not in time.
        """
        self._container.say("now")
        self._container.hear(MOMENT)

    def send(self, volume: str) -> AbstractContextManager[IO[bytes]]:
        """Lend the tar of a volume as it was kept."""
        command = docker_command("exec", self._name, *_PYTHON, "send", FOLDER, volume)
        return reading(command, self._what, self._how)


@contextmanager
def filling(server: Server, image: str, volume: str) -> Generator[IO[bytes]]:
    """Lend what reads the tar of a volume and lays it out there."""
    command = _container(server, image, [volume], RESTORE, "fill")
    what, how = f"the volume {volume} of {server.name} was not filled.", "mend that, then restore again."
    with writing(command, what, how) as stream:
        yield stream


def _container(server: Server, image: str, volumes: Sequence[str], verb: str, action: str) -> list[str]:
    mounts = [f"--volume=atoll-{server.name}_{volume}:{FOLDER}/{volume}" for volume in volumes]
    shut = ["--network=none", "--read-only", "--cap-drop=ALL", "--security-opt=no-new-privileges", "--log-driver=none"]
    python, *script = _PYTHON
    given = [f"--name={own_container(server.name, verb)}", f"--user={find_user(server.secrets)}", *shut, *mounts]
    program = [f"--entrypoint={python}", image, *script, action, FOLDER, *volumes]
    return docker_command("run", "--rm", "--interactive", *given, *program)
