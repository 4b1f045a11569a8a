"""A server of its own: an environment that `./atoll up` starts, until nothing of it is left."""

import subprocess
import time
from dataclasses import dataclass
from typing import Any, Self

from atoll_control.deployment.server import Server
from atoll_control.docker import docker
from atoll_control.files import Checkout as Files
from atoll_control.graphql import Page
from atoll_control.process import port_is_free
from checkout import Checkout
from page_run import run_assets
from registry import ask_docker

NAME = "bench"
PORTS = range(8900, 8990)
PROJECT = f"label=com.docker.compose.project=atoll-{NAME}"
# Nothing runs but what is asked for.
SETTINGS = """listen = "127.0.0.1"
port = {port}
profile = "sample"
automation = false

[images]
postgres = "{postgres}"
proxy = "{proxy}"
"""


@dataclass(frozen=True)
class Started:
    """Seconds from the start of `./atoll up`: until the last location was loaded, and to its end."""

    loaded: float
    well: float


def write_settings(checkout: Checkout, postgres: str, proxy: str) -> None:
    """Describe the environment: on a free port, with these images."""
    port = next(port for port in PORTS if port_is_free(port))
    path = Files(checkout.root).environments / f"{NAME}.settings.toml"
    path.write_text(SETTINGS.format(port=port, postgres=postgres, proxy=proxy))


class ServerSession:
    """An environment. As a context: its images are built when the block begins, and it is gone when it is left."""

    def __init__(self, checkout: Checkout) -> None:
        self._checkout = checkout
        self._files = Files(checkout.root)
        self._server = Server(self._files, NAME)

    def __enter__(self) -> Self:
        """Build what is not built, and forget what an earlier session released."""
        (self._files.environments / f"{NAME}.toml").unlink(missing_ok=True)
        self._checkout.run(["./atoll", "build"])
        self.remove()
        return self

    def __exit__(self, *_: object) -> None:
        """Remove all of it."""
        self.remove()

    def start(self) -> Started:
        """Bring it up, and say how long that took."""
        begin = loaded = time.perf_counter()
        lines: list[str] = []
        with subprocess.Popen(
            ["./atoll", "up", NAME],
            cwd=self._checkout.root,
            env=self._checkout.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as process:
            assert process.stdout is not None
            for line in process.stdout:
                lines.append(line)
                if line.rstrip().endswith("is loaded"):
                    loaded = time.perf_counter()
        if process.returncode:
            raise RuntimeError(f"./atoll up ended with {process.returncode}:\n{''.join(lines)}")
        return Started(loaded - begin, time.perf_counter() - begin)

    def stop(self) -> None:
        """Take it down; its volumes stay."""
        self._checkout.run(["./atoll", "down", NAME])

    def remove(self) -> None:
        """Remove its containers, those of its runs, its networks and its volumes."""
        runs = docker("ps", "--all", "--quiet", f"--filter=label=atoll.environment={NAME}").stdout.split()
        services = docker("ps", "--all", "--quiet", f"--filter={PROJECT}").stdout.split()
        if containers := {*runs, *services}:
            ask_docker("rm", "--force", "--volumes", *containers)
        for kind in ("network", "volume"):
            if found := docker(kind, "ls", "--quiet", f"--filter={PROJECT}").stdout.split():
                ask_docker(kind, "rm", *found)

    def launch(self, location: str, assets: list[list[str]]) -> dict[str, Any]:
        """Launch assets and wait for the end: see `run_assets`."""
        return run_assets(self._server.page(), location, assets, self.read_log)

    def page(self) -> Page:
        """Return its page."""
        return self._server.page()

    def container(self, service: str) -> str:
        """Return the id of the container of a service."""
        label = f"--filter=label=com.docker.compose.service={service}"
        (found,) = ask_docker("ps", "--quiet", f"--filter={PROJECT}", label).split()
        return found

    def read_log(self) -> str:
        """Read the last that the services printed."""
        return self._server.compose("logs", "--no-color", "--tail=50").stdout

    def processes(self) -> dict[str, list[int]]:
        """Return the processes of this machine that each service has."""
        form = '{{.ID}} {{.Label "com.docker.compose.service"}}'
        found = [line.split() for line in ask_docker("ps", f"--filter={PROJECT}", f"--format={form}").splitlines()]
        tables = {service: ask_docker("top", container, "-eo", "pid").split()[1:] for container, service in found}
        return {service: [int(process) for process in table] for service, table in tables.items()}
