"""`deploy/compose.yaml`: every service of an environment, derived from the projects; what differs is variables."""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path

from atoll_control.manifest import Limits
from atoll_control.projects import Project

TEMPLATE = Path(__file__).with_name("compose.template.yaml")
SOCKETS = "/run/atoll/code"
SECRETS = "/run/secrets/environment"
NETWORK = "atoll-${ATOLL_ENVIRONMENT}_inside"
LIBRARIES = ("OMP_NUM", "OPENBLAS_NUM", "MKL_NUM", "POLARS_MAX")
# Where MLflow is; known only to who talks to it.
TRACKING = {"operations": {"ATOLL_TRACKING": "http://mlflow:5000/mlflow"}}


def render_compose(projects: Sequence[Project]) -> str:
    """Return the text of the compose file."""
    blocks = {
        "sockets": [f"- sockets_{project.name}:{SOCKETS}/{project.name}:ro" for project in projects],
        "prepared": [f"- sockets_{project.name}:/volumes/sockets_{project.name}" for project in projects],
        "volumes": [f"sockets_{project.name}:" for project in projects],
        "code servers": "\n".join(map(_render_code_server, projects)).splitlines(),
    }
    lines: list[str] = []
    for line in TEMPLATE.read_text(encoding="utf-8").splitlines():
        indent, marker, name = line.partition("#: ")
        lines += [(indent + entry).rstrip() for entry in blocks[name]] if marker else [line]
    return "\n".join(lines) + "\n"


def mount_points(project: Project) -> list[str]:
    """Return what a run of the project may see of the server, as `SOURCE:TARGET[:ro]` with variables."""
    return [
        "atoll-${ATOLL_ENVIRONMENT}_store:/atoll/.atoll",
        "atoll-${ATOLL_ENVIRONMENT}_logs:/atoll/.atoll/instance/compute_logs",
        *_files(project),
    ]


def _files(project: Project) -> list[str]:
    secrets = (f"{project.name}/{name}:{SECRETS}/{name}" for name in project.secrets)
    return [
        "${ATOLL_FOLDER}/atoll.toml:/atoll/atoll.toml:ro",
        *(f"${{ATOLL_SECRETS}}/{secret}:ro" for secret in ("dagster.pgpass:/run/secrets/pgpass", *secrets)),
    ]


def _render_code_server(project: Project) -> str:
    name, limits = project.name, project.server
    volumes = [
        f"sockets_{name}:{SOCKETS}/{name}",
        "store:/atoll/.atoll",
        "logs:/atoll/.atoll/instance/compute_logs",
        "./instance:/atoll/dagster_home:ro",
        *_files(project),
    ]
    return f"""\
{name}:
  <<: *code-server
  image: ${{ATOLL_IMAGE_{name}}}
  labels: {{atoll.settings: "${{ATOLL_SETTINGS_{name}}}"}}
  mem_limit: {limits.memory}
  memswap_limit: {limits.memory}
  cpus: {limits.cpus:g}
  environment:
    <<: *code-environment
{_list(4, (f'{key}: "{value}"' for key, value in _environment(project, limits).items()))}
    DAGSTER_MODULE_NAME: {project.module}
    ATOLL_SOCKETS: {SOCKETS}/{name}
    DAGSTER_CONTAINER_CONTEXT: |
{_list(6, render_context(project).splitlines())}
  volumes:
{_list(4, (f"- {volume}" for volume in volumes))}
"""


def render_context(project: Project) -> str:
    """Say what a run of the project has for itself; what all have is in `deploy/instance/dagster.yaml`."""
    limits = project.runs
    environment = [f"{key}={value}" for key, value in _environment(project, limits).items()]
    return f"""\
{{"docker": {{
  "networks": ["{NETWORK}"],
  "env_vars": {json.dumps(environment)},
  "container_kwargs": {{
    "user": "${{ATOLL_USER}}",
    "mem_limit": "{limits.memory}", "memswap_limit": "{limits.memory}", "nano_cpus": {round(limits.cpus * 10**9)},
    "labels": {{"atoll.environment": "${{ATOLL_ENVIRONMENT}}", "atoll.location": "{project.name}"}},
    "volumes": {json.dumps(mount_points(project), indent=2).replace(chr(10), chr(10) + "    ")}}}}}}}
"""


def _environment(project: Project, limits: Limits) -> dict[str, str]:
    """Numeric libraries start as many threads as there are processors for them, not as the machine has."""
    threads = {f"{library}_THREADS": str(max(1, round(limits.cpus))) for library in LIBRARIES}
    return {"DAGSTER_CURRENT_IMAGE": f"${{ATOLL_IMAGE_{project.name}}}"} | threads | TRACKING.get(project.name, {})


def _list(indent: int, entries: Iterable[str]) -> str:
    return "\n".join(" " * indent + entry for entry in entries)
