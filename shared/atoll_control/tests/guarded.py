"""What the guard's tests share: a policy, and the body that Docker's own client sends for a run's container."""

import json
from pathlib import Path
from typing import Any

from docker import APIClient
from docker.models.containers import _create_container_args

from atoll_control.guard.policy import Policy

IMAGE = f"127.0.0.1:5005/atoll/flight_delays@sha256:{'1' * 64}"
OTHER_IMAGE = f"127.0.0.1:5005/atoll/vehicle_prices@sha256:{'2' * 64}"
STORE = "atoll-staging_store:/atoll/.atoll"
PGPASS = "/srv/atoll/.atoll/secrets/staging/dagster.pgpass:/run/secrets/pgpass:ro"
NETWORK = "atoll-staging_inside"
# Of another location, whose policy allows more.
SECRET = "/srv/atoll/.atoll/secrets/staging/vehicle_prices/API_KEY:/run/secrets/environment/API_KEY:ro"
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
    "labels": LABELS,
}
ALLOWED = CONTEXT | {"image": IMAGE, "network": NETWORK}
RICHER = ALLOWED | {"image": OTHER_IMAGE, "mem_limit": "4g", "memswap_limit": "4g", "volumes": [STORE, PGPASS, SECRET]}


def write_policy(folder: Path, **changes: Any) -> Policy:
    locations = {"flight_delays": [ALLOWED | changes], "vehicle_prices": [RICHER]}
    (folder / "runs.json").write_text(json.dumps(locations))
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
