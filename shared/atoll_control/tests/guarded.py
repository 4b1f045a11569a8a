"""What the guard's tests share: lists, and the body that Docker's own client sends for a run's container."""

import json
from pathlib import Path
from typing import Any

from docker import APIClient
from docker.models.containers import _create_container_args

from atoll_control.guard.policy import Policy

IMAGE = f"127.0.0.1:5005/atoll/flight_delays@sha256:{'1' * 64}"
STORE = "atoll-staging_store:/atoll/.atoll"
PGPASS = "/srv/atoll/.atoll/secrets/staging/dagster.pgpass:/run/secrets/pgpass:ro"
NETWORK = "atoll-staging_inside"
LABELS = {"atoll.environment": "staging", "atoll.location": "flight_delays", "dagster/run_id": "r1"}
LIMITED_LOG = {"type": "json-file", "config": {"max-size": "10m", "max-file": "3"}}
CONTEXT: dict[str, Any] = {
    "user": "1000:1000",
    "mem_limit": "2g",
    "memswap_limit": "2g",
    "nano_cpus": 2_000_000_000,
    "pids_limit": 512,
    "cap_drop": ["ALL"],
    "security_opt": ["no-new-privileges"],
    "volumes": [STORE, PGPASS],
    "log_config": LIMITED_LOG,
    "read_only": True,
    "tmpfs": {"/tmp": "size=512m,mode=1777"},
    "labels": LABELS,
}


def write_lists(folder: Path) -> Policy:
    for name, entries in (("images", [IMAGE]), ("mounts", [STORE, PGPASS]), ("networks", [NETWORK])):
        (folder / name).write_text("\n".join(entries) + "\n")
    return Policy(folder, "staging")


class _Recorder(APIClient):
    """Docker's client, except that it keeps what it would send."""

    def create_container_from_config(self, config, name=None, platform=None):
        self.config = config
        return {}


def run_body(**changes: Any) -> dict[str, Any]:
    """The body for a run of flight_delays, with other arguments of `containers.create` where they are given."""
    arguments = {
        "image": IMAGE,
        "command": ["dagster", "api", "execute_run", "{}"],
        "detach": True,
        "environment": {"ATOLL_ROOT": "/atoll"},
        "network": NETWORK,
        "version": "1.41",
    }
    client = _Recorder("unix:///nowhere", version="1.41")
    client.create_container(**_create_container_args(arguments | CONTEXT | changes))
    return json.loads(json.dumps(client.config))
