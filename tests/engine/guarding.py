"""A guard in front of the engine, with a policy of the tests' own, and what runs ask for through it."""

import json
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from docker import DockerClient

import engine
from waiting import LIMIT, wait_until

OTHER = "atoll-other-secret:/run/secrets/other:ro"


class Guarded(NamedTuple):
    """An environment that consists of a guard, a network and a volume."""

    environment: str
    socket: Path
    network: str
    volume: str
    log: Path

    @property
    def address(self) -> str:
        return f"unix://{self.socket}"

    @property
    def mount(self) -> str:
        return f"{self.volume}:/atoll/.atoll"

    def context(self, **changes: Any) -> dict[str, Any]:
        """Return what a location says of the containers of its runs."""
        return {
            "user": "10001:10001",
            "mem_limit": "128m",
            "memswap_limit": "128m",
            "nano_cpus": 1_000_000_000,
            "pids_limit": 64,
            "cap_drop": ["ALL"],
            "security_opt": ["no-new-privileges"],
            "volumes": [self.mount],
            "log_config": {"type": "json-file", "config": {"max-size": "1m", "max-file": "2"}},
            "labels": {"atoll.environment": self.environment, "atoll.location": "trials"},
        } | changes

    def allow(self, **changes: Any) -> None:
        """Write the policy: two locations, of which the other has another volume and more memory."""
        trials = self.context() | {"image": engine.images().base, "network": self.network} | changes
        other = trials | {"volumes": [OTHER], "mem_limit": "1g", "memswap_limit": "1g"}
        self.socket.with_name("runs.json").write_text(json.dumps({"trials": [trials], "other": [other]}))


@contextmanager
def guarding() -> Generator[Guarded]:
    name = f"guardtest{secrets.token_hex(3)}"
    network, volume = f"atoll-{name}_inside", f"atoll-{name}_store"
    folder = Path(tempfile.mkdtemp(prefix="guard-"))
    guarded = Guarded(name, folder / "docker.sock", network, volume, folder / "log")
    guarded.allow()
    engine.docker("network", "create", network)
    try:
        with guarded.log.open("w") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "atoll_control.guard", "--socket", guarded.socket, "--policy", folder],
                env=os.environ | {"ATOLL_ENVIRONMENT": name},
                stderr=log,
            )
        try:
            wait_until(guarded.socket.exists, "the guard's socket")
            yield guarded
        finally:
            process.terminate()
            assert process.wait(LIMIT) == 0
    finally:
        if left := engine.list_containers(f"atoll.environment={name}"):
            engine.docker("rm", "--force", *left)
        engine.docker("volume", "rm", "--force", volume)
        engine.docker("network", "rm", network)
        shutil.rmtree(folder)


@contextmanager
def connected(guarded: Guarded) -> Generator[DockerClient]:
    client = DockerClient(base_url=guarded.address)
    try:
        yield client
    finally:
        client.close()
