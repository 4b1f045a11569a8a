"""The containers of an environment, by what Docker knows of them: services of Compose, and runs."""

import json
from collections.abc import Iterator
from dataclasses import dataclass

from atoll_control.docker import docker, last_line
from atoll_control.errors import UserError

# Of what the launcher starts, and of what Compose does.
ENVIRONMENT_LABEL = "atoll.environment"
BACKUP, RESTORE = VERBS = ("backup", "restore")
PROJECT_LABEL = "com.docker.compose.project"
SERVICE_LABEL = "com.docker.compose.service"


@dataclass(frozen=True)
class Found:
    """A container: `service` is None where Compose does not know it, as of a run; `state` is in Docker's words."""

    id: str
    service: str | None
    state: str


def list_containers(name: str) -> list[Found]:
    """Return every container of an environment, also of runs."""
    found = {one.id: one for label in (PROJECT_LABEL, ENVIRONMENT_LABEL) for one in _list(name, label)}
    return list(found.values())


def find_service(name: str, service: str) -> str:
    """Return the id of the running container of a service.

    Raises:
        UserError: there is none.
    """
    for found in list_containers(name):
        if found.service == service and found.state == "running":
            return found.id
    raise UserError(
        f"{service} of {name} does not run.", "there is no running container of it.", f"./atoll up {name}, then again."
    )


def list_volumes(name: str) -> list[str]:
    """Return the names of the volumes of an environment."""
    output = docker("volume", "ls", "--quiet")
    if output.code:
        raise UserError(f"the volumes of {name} are not known.", f"{last_line(output)}.", "docker volume ls")
    return sorted(volume for volume in output.stdout.split() if volume.startswith(f"atoll-{name}_"))


def end_own(name: str) -> None:
    """End the containers that have volumes of an environment for a backup or a restore, where one was killed."""
    docker("rm", "--force", *(own_container(name, verb) for verb in VERBS))


def own_container(name: str, verb: str) -> str:
    """Return what the container is called that has volumes of an environment for a backup or a restore."""
    return f"atoll-{name}-{verb}"


def remove_all(name: str) -> None:
    """End the containers of an environment, of runs too, and remove them and its volumes.

    Raises:
        UserError: Docker does not do it.
    """
    end_own(name)
    if ids := [found.id for found in list_containers(name)]:
        _remove(f"containers of {name}", "rm", "--force", "--volumes", *ids)
    if volumes := list_volumes(name):
        _remove(f"volumes of {name}", "volume", "rm", *volumes)


def _remove(what: str, *arguments: str) -> None:
    if (output := docker(*arguments)).code:
        raise UserError(f"the {what} were not removed.", f"{last_line(output)}.", "mend that, then again.")


def _list(name: str, label: str) -> Iterator[Found]:
    value = f"atoll-{name}" if label == PROJECT_LABEL else name
    form = f'{{{{json .ID}}}} {{{{json (.Label "{SERVICE_LABEL}")}}}} {{{{json .State}}}}'
    output = docker("ps", "--all", "--no-trunc", "--filter", f"label={label}={value}", "--format", form)
    if output.code:
        raise UserError(f"the containers of {name} are not known.", f"{last_line(output)}.", "docker ps --all")
    for line in output.stdout.splitlines():
        identity, service, state = (json.loads(part) for part in line.split(" "))
        yield Found(identity, service or None, state)
