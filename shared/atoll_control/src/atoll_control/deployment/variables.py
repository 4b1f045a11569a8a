"""What `deploy/compose.yaml` leaves open, and the files that its services read: `.atoll/environments/ENV/`.

Nothing here is secret, and all of it is written again by each `up`.
"""

import json
import string
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import tomlkit
import yaml

from atoll_control.deployment.compose import SOCKETS, render_context
from atoll_control.deployment.history import History
from atoll_control.deployment.mounts import INSTANCE, mark_services
from atoll_control.deployment.release import Release
from atoll_control.deployment.secrets import find_user
from atoll_control.deployment.settings import Settings
from atoll_control.errors import UserError
from atoll_control.files import write_atomically
from atoll_control.projects import Project

DOCKER_SOCKET = Path("/var/run/docker.sock")
# Of how many releases of a location runs may still start that were queued under them.
REMEMBERED = 3
# What is handed on to the library.
SETTINGS = {"profile", "today", "automation", "sensor_interval", "keep_runs_days", "store"}
CERTIFICATE = "/run/secrets/tls.crt /run/secrets/tls.key"


def write_variables(
    name: str,
    folder: Path,
    secrets: Path,
    deploy: Path,
    settings: Settings,
    release: Release,
    projects: Sequence[Project],
) -> None:
    """Write everything that the services of an environment read; `deploy` is what they mount of the checkout.

    Raises:
        UserError: the path of the checkout cannot be mounted.
    """
    _check_paths(folder, secrets)
    library = render_settings(settings)
    variables = list_variables(name, folder, secrets, settings, release)
    marks = mark_services(deploy, secrets, library, projects)
    variables |= {f"ATOLL_SETTINGS_{service}": mark for service, mark in marks.items()}
    write_atomically(folder / "atoll.toml", library)
    write_atomically(folder / "workspace" / "workspace.yaml", render_workspace(projects))
    running = {released.image for released in History(folder / "history").current().values()}
    policy = list_policy(variables, deploy / INSTANCE, release, projects)
    write_policy(folder / "policy" / "runs.json", policy, running)
    # Whatever the umask is: where root writes them, containers are of another user.
    for mounted in ("policy", "workspace"):
        (folder / mounted).chmod(0o755)
    # In single quotes nothing is a variable.
    write_atomically(folder / "compose.env", "".join(f"{key}='{value}'\n" for key, value in variables.items()))


def list_variables(name: str, folder: Path, secrets: Path, settings: Settings, release: Release) -> dict[str, str]:
    """Return what the variables of the compose file stand for."""
    return {
        "ATOLL_ENVIRONMENT": name,
        "ATOLL_FOLDER": str(folder),
        "ATOLL_SECRETS": str(secrets),
        "ATOLL_USER": find_user(secrets),
        "ATOLL_DOCKER_GID": str(DOCKER_SOCKET.stat().st_gid),
        "ATOLL_ADDRESS": settings.address,
        "ATOLL_HOST": settings.host,
        "ATOLL_LISTEN": settings.listen,
        "ATOLL_PORT": str(settings.port),
        "ATOLL_TLS": CERTIFICATE if settings.tls == "files" else settings.tls,
        "ATOLL_POSTGRES_IMAGE": settings.images.postgres,
        "ATOLL_PROXY_IMAGE": settings.images.proxy,
        **{f"ATOLL_IMAGE_{part}": released.image for part, released in release.items()},
    }


def list_policy(
    variables: Mapping[str, str], instance: Path, release: Release, projects: Sequence[Project]
) -> dict[str, dict[str, Any]]:
    """Return what the guard lets the runs of each location have: what the launcher will ask for."""
    launcher = yaml.safe_load(instance.read_text(encoding="utf-8"))["run_launcher"]["config"]
    policy = {}
    for project in projects:
        context = json.loads(string.Template(render_context(project)).substitute(variables))["docker"]
        (network,) = context["networks"]
        own = {"image": release[project.name].image, "network": network}
        policy[project.name] = own | launcher["container_kwargs"] | context["container_kwargs"]
    return policy


def write_policy(file: Path, policy: Mapping[str, Mapping[str, Any]], running: Collection[str] = ()) -> None:
    """Write what the guard lets runs have: the newest first, and what the last ones could have, which may be queued.

    What images that are `running` may have is kept, however many were tried and did not come up since.
    """
    try:
        earlier: dict[str, list[Any]] = json.loads(file.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        # Made anew; a guard that cannot read it refuses every run.
        earlier = {}
    allowed = {}
    for name, wanted in policy.items():
        known = [said for said in earlier.get(name, []) if isinstance(said, dict) and said != wanted]
        kept = [said for said in known[REMEMBERED - 1 :] if said.get("image") in running]
        allowed[name] = [wanted, *known[: REMEMBERED - 1], *kept]
    write_atomically(file, json.dumps(allowed, indent=2) + "\n")


def render_settings(settings: Settings) -> str:
    """Return the library's settings, as code servers and runs read them."""
    chosen = settings.model_dump(include=SETTINGS)
    kept = {key: value for key, value in chosen.items() if value is not None}
    return tomlkit.dumps({**kept, "page": settings.address, "tracking_page": f"{settings.address}/mlflow"})


def render_workspace(projects: Sequence[Project]) -> str:
    """Return Dagster's workspace: a socket for each location: the link to that of its code server."""
    names = [project.name for project in projects]
    targets = [{"grpc_server": {"socket": f"{SOCKETS}/{name}/current.sock", "location_name": name}} for name in names]
    return yaml.safe_dump({"load_from": targets}, sort_keys=False)


def _check_paths(*folders: Path) -> None:
    for folder in folders:
        if found := next((sign for sign in ":'\"\\\n" if sign in str(folder)), None):
            raise UserError(
                "the checkout cannot be mounted into containers.",
                f"its path has {found!r} in it: {folder}.",
                "move it to a path without.",
            )
