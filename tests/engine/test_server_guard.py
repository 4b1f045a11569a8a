"""The guard of a server, asked from where Dagster asks it: the webserver's container."""

import json
from typing import Any

import pytest

from engine import docker, list_containers
from server import Running
from trials import NAME as TRIALS

RUN = "of-the-guards-test"

ASK = """
import json, sys
from docker import DockerClient
from docker.errors import APIError

try:
    container = DockerClient.from_env().containers.create(**json.loads(sys.argv[1]))
except APIError as refusal:
    print(json.dumps([refusal.status_code, str(refusal)]))
else:
    container.remove()
    print(json.dumps([201, container.id]))
"""


def ask(server: Running, service: str, **changes: Any) -> tuple[int, str]:
    """Ask for a container that is as a run's, but for some changes; return the status and what was said."""
    policy = json.loads((server.server.folder / "policy" / "runs.json").read_text())[TRIALS][0]
    # Of the launcher, not of the container.
    policy.pop("stop_timeout")
    labels = {**policy.pop("labels"), "dagster/run_id": RUN}
    asked = {**policy, "labels": labels, "command": ["cat", "/host/etc/shadow"], "detach": True, **changes}
    said = docker("exec", server.service(service), "python", "-Ic", ASK, json.dumps(asked))
    status, text = json.loads(said.splitlines()[-1])
    return status, text


@pytest.mark.parametrize("service", ["webserver", "daemon"])
def test_what_a_run_needs_is_made(server, service):
    status, text = ask(server, service)
    assert (status, len(text)) == (201, 64), text


@pytest.mark.parametrize(
    ("changes", "what", "why"),
    [
        (
            {"volumes": ["/:/host"]},
            'the guard refuses a container with HostConfig.Binds = ["/:/host"].',
            "only the listed mounts of its location may be used",
        ),
        (
            {"privileged": True},
            "the guard refuses a container with HostConfig.Privileged = true.",
            "a run needs no such setting, and it could reach beyond its container.",
        ),
    ],
    ids=["mount", "privileged"],
)
def test_the_machines_files_and_privileges_are_refused(server, changes, what, why):
    status, text = ask(server, "webserver", **changes)
    assert status == 403
    assert what in text.replace('\\"', '"')
    assert why in text
    assert list_containers(f"dagster/run_id={RUN}") == []
    assert what in docker("logs", server.service("guard"))
