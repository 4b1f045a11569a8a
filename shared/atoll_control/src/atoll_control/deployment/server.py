"""A server: one environment of this checkout on the Docker engine of this machine."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from atoll_control.deployment.secrets import read_login, secrets_folder
from atoll_control.deployment.settings import read_settings
from atoll_control.docker import compose, docker, find_compose
from atoll_control.errors import UserError
from atoll_control.files import Checkout
from atoll_control.graphql import Page
from atoll_control.process import Output


@dataclass(frozen=True)
class Container:
    """A service's container.

    `state` and `health` are in Docker's words, `health` empty where nothing is checked; `configuration` is Compose's
    hash of what it was made from.
    """

    service: str
    image: str
    state: str
    health: str
    exit_code: int
    id: str = ""
    configuration: str = ""

    @property
    def well(self) -> bool:
        """Whether it does what it should; one that only prepares has ended without an error."""
        if self.state == "exited":
            return self.exit_code == 0 and self.service in ONCE
        return self.state == "running" and self.health in ("", "healthy")

    @property
    def starting(self) -> bool:
        """Whether it runs and its health was not looked at yet, which takes a code server a minute."""
        return self.state == "running" and self.health == "starting"

    def __str__(self) -> str:
        """Say how it is, in a few words."""
        if self.state == "exited":
            return "ended" if self.well else f"ended with {self.exit_code}"
        state = "runs" if self.state == "running" else f"is {self.state}"
        return f"{state} and is {self.health}" if self.health else state


# Where `dagster.yaml` is in the containers.
HOME = "/atoll/dagster_home"
# Services that end by themselves.
ONCE = {"prepare", "migrate", "migrate_mlflow"}
# Compose's label.
CONFIGURATION = "com.docker.compose.config-hash"


class Server:
    """One environment: what it is called, where it is, and its services.

    Raises:
        UserError: there is no such environment, or its settings are not valid.
    """

    def __init__(self, checkout: Checkout, name: str) -> None:
        self.checkout, self.name = checkout, name
        self.settings = read_settings(checkout, name)
        self.folder = checkout.state / "environments" / name
        self.secrets = secrets_folder(checkout, name)

    @property
    def address(self) -> str:
        """Where the page is; MLflow is below it."""
        return self.settings.address

    @property
    def certificate(self) -> Path | None:
        """The root certificate of the proxy's own authority; None where the machine knows whose certificate it is."""
        path = self.folder / "ca.crt"
        return path if self.settings.tls == "internal" and path.is_file() else None

    @property
    def was_started(self) -> bool:
        """Whether this checkout has ever started it."""
        return self._env_file.is_file()

    def page(self) -> Page:
        """Return the page, to be asked with the login and the certificate of this machine."""
        login = read_login(self.secrets)
        return Page(self.address, login=(login.user, login.password), ca=self.certificate)

    def compose(self, *arguments: str, input: str | None = None) -> Output:
        """Run Compose on the services to its end."""
        return compose(*self._options(), *arguments, env=self._variables(), input=input)

    def compose_command(self, *arguments: str) -> tuple[list[str], Mapping[str, str]]:
        """Return the command line that `compose` runs and what it adds to the environment, for output as it comes."""
        return [*find_compose(), *self._options(), *arguments], self._variables()

    def execute(self, service: str, *command: str, input: str | None = None) -> Output:
        """Run a command in the container of a service, where Dagster's instance is that of the server.

        Raises:
            UserError: the service does not run.
        """
        # Not in a code server's own environment: one that starts before PostgreSQL would never load its project.
        output = self.compose("exec", "--no-TTY", "--env", f"DAGSTER_HOME={HOME}", service, *command, input=input)
        # Compose's own errors end with 1, as those of a command may.
        if output.code and not any(box.service == service and box.state == "running" for box in self.containers()):
            raise UserError(
                f"{service} of {self.name} does not run.",
                f"there is no running container of it: {output.stderr.strip() or 'Compose says no more'}.",
                f"./atoll up {self.name}, or see why: ./atoll logs {self.name} {service}",
            )
        return output

    def containers(self) -> list[Container]:
        """Return the containers of the services, by service."""
        output = self.compose("ps", "--all", "--format", "json")
        if output.code:
            raise UserError(
                f"the services of {self.name} are not known.", output.stderr.strip(), f"./atoll up {self.name}"
            )
        found = [_container(said) for said in _read_json(output.stdout)]
        return sorted(found, key=lambda container: container.service)

    def configurations(self) -> dict[str, str]:
        """Return Compose's hash of what the container of each service is to be made from, by service."""
        output = self.compose("config", "--hash", "*")
        if output.code:
            raise UserError(f"the services of {self.name} are not known.", output.stderr.strip(), "./atoll check")
        return dict(line.split() for line in output.stdout.splitlines() if line.strip())

    def _options(self) -> list[str]:
        return ["--file", str(self.checkout.compose), "--env-file", str(self._env_file)]

    def _variables(self) -> dict[str, str]:
        """Read what `up` wrote; in Compose's environment it wins over variables of whoever calls it."""
        try:
            lines = self._env_file.read_text(encoding="utf-8").splitlines()
        except OSError:
            raise UserError(
                f"{self.name} was not started from this checkout.",
                f"there is no {self._env_file.relative_to(self.checkout.root)}.",
                f"./atoll up {self.name}",
            ) from None
        return {key: value.strip("'") for key, _, value in (line.partition("=") for line in lines)}

    @property
    def _env_file(self) -> Path:
        return self.folder / "compose.env"


def count_restarts(container: str) -> int | None:
    """Return how often a container that runs had to be started again; None where it does not run."""
    said = docker("inspect", "--format", "{{.State.Running}} {{.State.Restarting}} {{.RestartCount}}", container)
    running, restarting, count = (*said.stdout.split(), "", "", "")[:3]
    return int(count) if (running, restarting) == ("true", "false") else None


def _read_json(text: str) -> list[dict[str, Any]]:
    """Read one object a line, or, of an earlier Compose, one list."""
    if text.startswith("["):
        return json.loads(text)
    return [json.loads(line) for line in text.splitlines() if line.strip()]


def _container(said: dict[str, Any]) -> Container:
    labels = said.get("Labels", "")
    hashed = re.search(rf"{CONFIGURATION}=([0-9a-f]+)", labels if isinstance(labels, str) else json.dumps(labels))
    return Container(
        said["Service"],
        said["Image"],
        said["State"],
        said.get("Health", ""),
        said.get("ExitCode", 0),
        said.get("ID", ""),
        hashed[1] if hashed else "",
    )
