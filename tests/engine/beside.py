"""A second environment on the machine of the first: reached at another address, and with its store on S3."""

import secrets
from collections.abc import Generator
from contextlib import contextmanager
from typing import NamedTuple

from clone import Clone
from dev import find_free_port
from engine import docker, images, inspect, list_containers
from object_store import Bucket
from server import NAME as FIRST
from server import SECOND as NAME
from server import TODAY, Running, remove, write_secret
from trials import NAME as TRIALS
from trials import SECRET

# Who makes an asset there, and who looks into the store.
LOCATION, ASSET = "aviation_data", "airports"
STORING = (LOCATION, "operations")
REGISTRY = "atoll-registry"

SETTINGS = """host = "{host}"
listen = "{host}"
port = {port}
profile = "sample"
today = {today}
automation = false
store = "s3://{bucket}/prefix"

[images]
postgres = "{postgres}"
proxy = "{proxy}"
"""


class Belongings(NamedTuple):
    """What an environment has in the engine and in files."""

    containers: set[str]
    networks: set[str]
    volumes: set[str]
    files: set[str]
    secrets: set[str]


def find_belongings(running: Running) -> Belongings:
    found = inspect(*list_containers(f"com.docker.compose.project=atoll-{running.name}"))
    mounts = [mount for container in found for mount in container["Mounts"]]
    state = str(running.clone.root / ".atoll")
    return Belongings(
        {container["Id"] for container in found},
        {network for container in found for network in container["NetworkSettings"]["Networks"]} - {REGISTRY, "none"},
        {mount["Name"] for mount in mounts if mount["Type"] == "volume"},
        {mount["Source"] for mount in mounts if mount["Source"].startswith(state)},
        {path.read_text().strip() for path in running.secrets.rglob("*") if path.is_file()},
    )


def list_volumes() -> set[str]:
    return set(docker("volume", "ls", "-q", "--filter", f"label=com.docker.compose.project=atoll-{NAME}").split())


def find_starts(running: Running) -> dict[str, str]:
    return {container["Id"]: container["State"]["StartedAt"] for container in running.containers().values()}


@contextmanager
def second_environment(clone: Clone, host: str, bucket: Bucket) -> Generator[Running]:
    """Promote into it what the first one runs, which brings it up.

    The clone's files are changed until its end: the secrets that S3 takes are listed by projects.
    """
    settings = clone.checkout.environments / f"{NAME}.settings.toml"
    known = {"postgres": images().postgres, "proxy": images().proxy, "bucket": bucket.name, "today": TODAY}
    remove(NAME)
    try:
        settings.write_text(SETTINGS.format(host=host, port=find_free_port(), **known))
        write_secret(clone, NAME, TRIALS, SECRET, secrets.token_urlsafe(24))
        for location in STORING:
            manifest = clone.root / "code_locations" / location / "pyproject.toml"
            listed = f"[tool.atoll]\nsecrets = {list(bucket.secrets)}\n"
            manifest.write_text(manifest.read_text().replace("[tool.atoll]\n", listed))
            for secret, value in bucket.secrets.items():
                write_secret(clone, NAME, location, secret, value)
        # For what is derived from all projects; the environment of this one is there.
        derived = clone.atoll("sync", TRIALS)
        assert derived.code == 0, derived.text
        said = clone.atoll("promote", "--all", "--from", FIRST, "--to", NAME)
        assert said.code == 0, said.text
        yield Running(clone, NAME, said)
    finally:
        settings.with_name(f"{NAME}.toml").unlink(missing_ok=True)
        restored = clone.run("git", "checkout", "-q", "--", "code_locations", "deploy/compose.yaml")
        remove(NAME)
        assert restored.code == 0, restored.text
