"""Docker: its client and Compose, run to their end, and what is wrong where they do not work."""

import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from atoll_control.errors import UserError
from atoll_control.process import Output, clean_environment

CLIENT = "ATOLL_DOCKER"


def docker(*arguments: str | Path, env: Mapping[str, str] | None = None, input: str | None = None) -> Output:
    """Run the Docker client to its end; `env` comes on top of this process's, `input` is what it reads."""
    return _run(docker_command(*arguments), env, input)


def docker_command(*arguments: str | Path) -> list[str]:
    """Return the command line that `docker` runs, for streams that are not text."""
    return [_client(), *map(str, arguments)]


def compose(*arguments: str | Path, env: Mapping[str, str] | None = None, input: str | None = None) -> Output:
    """Run Compose to its end."""
    return _run([*find_compose(), *map(str, arguments)], env, input)


@cache
def find_compose() -> list[str]:
    """Return how Compose is called here: the client's plugin, or the program `docker-compose`."""
    for command in ([_client(), "compose"], ["docker-compose"]):
        if shutil.which(command[0]) and _major_version(_run([*command, "version", "--short"])) >= 2:
            return command
    raise UserError(
        "there is no Docker Compose.",
        "neither `docker compose` nor `docker-compose` answers here with version 2 or later.",
        "install it (on Debian and Ubuntu: the package docker-compose-v2 or docker-compose-plugin).",
    )


def require_engine() -> None:
    """Raise a UserError when no Docker engine can be used."""
    output = docker("version", "--format", "{{.Server.Version}}")
    if output.code == 0:
        return
    what, said = "Docker cannot be used.", last_line(output)
    if output.code == 127:
        raise UserError(
            what,
            f"there is no program {_client()}.",
            f"install Docker (on Debian and Ubuntu: apt install docker.io), or name its client in {CLIENT}.",
        )
    if "permission denied" in said.lower():
        raise UserError(
            what,
            "this user may not talk to its engine.",
            f"sudo usermod -aG docker {os.environ.get('USER', '$USER')}, then log in again.",
        )
    # Docker asks back.
    said = said.removesuffix(" Is the docker daemon running?").rstrip(".")
    raise UserError(what, f"its engine does not answer: {said}.", "sudo systemctl start docker")


def require_network(name: str) -> None:
    """Make a network that several Compose projects share, unless it is there."""
    if docker("network", "inspect", name).code and (output := docker("network", "create", name)).code:
        raise UserError(f"the network {name} cannot be made.", f"{last_line(output)}.", f"docker network create {name}")


def last_line(output: Output) -> str:
    """Return what Docker gives as its reason, without a full stop."""
    return (output.stderr.strip().splitlines() or ["Docker says nothing"])[-1].strip().rstrip(".")


def join_lines(text: str) -> str:
    """Return what a container has printed as one line, without colours."""
    plain = re.sub(r"\x1b\[[0-9;]*m", "", text)
    return " | ".join(line.strip() for line in plain.splitlines() if line.strip())


def _client() -> str:
    return os.environ.get(CLIENT) or "docker"


def _major_version(output: Output) -> int:
    number = output.stdout.strip().removeprefix("v").partition(".")[0]
    return int(number) if output.code == 0 and number.isdigit() else 0


def _run(command: list[str], env: Mapping[str, str] | None = None, input: str | None = None) -> Output:
    try:
        done = subprocess.run(
            command,
            env=clean_environment(**{"DOCKER_BUILDKIT": "1", **(env or {})}),
            input=input or "",
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            # It goes on when this process is killed, and holds the lock that this one holds.
            close_fds=False,
        )
    except OSError as error:
        return Output(127, "", str(error))
    return Output(done.returncode, done.stdout, done.stderr)
