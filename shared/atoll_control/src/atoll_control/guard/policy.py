"""The policy: what a run's container may be made of, as `./atoll up` has written it down."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from docker.errors import DockerException
from docker.types import HostConfig

from atoll_control.errors import UserError

# The labels by which a run's container is known, and told from the services of its environment.
ENVIRONMENT_LABEL = "atoll.environment"
LOCATION_LABEL = "atoll.location"
RUN_LABEL = "dagster/run_id"


@dataclass(frozen=True)
class Policy:
    """What runs of one environment may have, by location: `runs.json` of a folder, read at every use.

    Its words are those in which the launcher asks Docker's client (`mem_limit`), with `image` and `network`. A location
    has several, the newest first: a run that was queued before a deployment is of the release before it.
    """

    folder: Path
    environment: str

    def read(self) -> dict[str, list[dict[str, Any]]]:
        """Return for each location what a run of it may have, in the words of Docker's interface (`Memory`).

        Raises:
            UserError: there is no policy, or it leaves something open.
        """
        file = self.folder / "runs.json"
        try:
            locations = json.loads(file.read_text(encoding="utf-8"))
            if empty := [name for name, allowed in locations.items() if not isinstance(allowed, list) or not allowed]:
                raise ValueError(f"it says nothing of {empty[0]}")
            return {name: [self._translate(name, said) for said in allowed] for name, allowed in locations.items()}
        except (OSError, ValueError, KeyError, TypeError, AttributeError, DockerException) as error:
            raise UserError(
                "the guard refuses every container.",
                f"its policy {file} cannot be read: {error!r}.",
                "`./atoll up ENV` writes it.",
            ) from error

    def _translate(self, location: str, said: Mapping[str, Any]) -> dict[str, Any]:
        names = {"binds": "volumes", "network_mode": "network"}
        names |= {name: name for name in ("mem_limit", "memswap_limit", "nano_cpus", "pids_limit", "log_config")}
        labels = {ENVIRONMENT_LABEL: self.environment, LOCATION_LABEL: location}
        host = HostConfig("1.41", **{argument: said[name] for argument, name in names.items()})
        return {"Image": said["image"], "User": said["user"], "Labels": labels, **host}
