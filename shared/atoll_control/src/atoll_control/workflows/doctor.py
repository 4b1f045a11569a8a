"""`doctor`: what is wrong with this machine or this checkout, and the one command that mends it."""

import json
import os
import platform
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass

from rich.markup import escape

from atoll_control.console import BAD, GOOD, out, show_json
from atoll_control.dagster_dev import read_record
from atoll_control.derived import find_drifted
from atoll_control.environments import environment_problem, uv
from atoll_control.files import Checkout
from atoll_control.mlflow import answers, running_address
from atoll_control.process import capture, clean_environment, exclusive, port_is_free
from atoll_control.projects import Project, discover_projects
from atoll_control.services import Service, discover_services

ENOUGH_DISK = 2 * 1024**3

# Of `./atoll dev`, by option.
DEFAULT_PORTS = {"--port": 3000, "--mlflow-port": 5000}

# Run by a project's interpreter: the settings in force, or what is wrong with them or with the store they name.
_SETTINGS = """
import json

import atoll
from atoll.storage.filesystems import redact
from atoll.storage.store import Store

subject = "settings"
try:
    settings = atoll.settings()
    subject = "store"
    Store(settings.store).probe()
    found = {
        **settings.model_dump(mode="json", exclude={"store_url", "tracking_uri"}),
        "store": redact(settings.store),
        "tracking": redact(settings.tracking),
    }
except atoll.UserError as error:
    found = {"subject": subject, "what": error.what, "why": error.why, "how": error.how}
print(json.dumps(found))
"""


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at: `how` is the command that mends it, None when it is well."""

    subject: str
    says: str
    how: str | None = None


def doctor(checkout: Checkout, *, as_json: bool) -> int:
    """Show every finding; return 1 when one asks for mending."""
    projects = discover_projects(checkout)
    findings = [
        *_machine(checkout),
        *(state := list(_state(checkout))),
        *([] if any(finding.subject == "state" and finding.how for finding in state) else _platform(checkout)),
        *_environments([*projects, *discover_services(checkout)]),
        *_settings(checkout, projects),
    ]
    if as_json:
        show_json([asdict(finding) for finding in findings])
    else:
        for finding in findings:
            out.print(f"{BAD if finding.how else GOOD} {finding.subject:<24} {escape(finding.says)}")
            if finding.how:
                out.print(f"  {'how to mend it':<24} [bold]{escape(finding.how)}[/bold]")
    return 1 if any(finding.how for finding in findings) else 0


def _machine(checkout: Checkout) -> Iterator[Finding]:
    yield Finding("python", f"{platform.python_version()} runs the control plane")
    yield Finding("uv", uv("--version", cwd=checkout.root).stdout.strip())
    free = shutil.disk_usage(checkout.root).free
    text = f"{free / 1024**3:.1f} GB are free"
    yield Finding("disk", text, None if free > ENOUGH_DISK else "make room: a project's environment takes about 0.5 GB")
    if "DAGSTER_HOME" in os.environ:
        yield Finding("DAGSTER_HOME", "set: ./atoll ignores it, plain `dagster dev` does not", "unset DAGSTER_HOME")


def _state(checkout: Checkout) -> Iterator[Finding]:
    try:
        checkout.state.mkdir(exist_ok=True)
        with tempfile.TemporaryFile(dir=checkout.state) as probe:
            probe.write(b"\0" * 4096)
        yield Finding("state", ".atoll/ can be written")
    except OSError as error:
        yield Finding("state", f".atoll/ cannot be written: {error.strerror}", "make it yours, or remove it")
    for path in find_drifted(checkout, discover_projects(checkout)):
        yield Finding("derived files", f"{path.name} does not list what is under code_locations/", "./atoll sync")


def _platform(checkout: Checkout) -> Iterator[Finding]:
    record = read_record(checkout)
    with exclusive(checkout.state / "dev.lock") as free:
        if not free:
            yield Finding("platform", f"runs at {record['address'] if record else 'an address to come'}")
            yield _mlflow(checkout)
            return
    if record:
        yield Finding("platform", "a killed ./atoll dev left processes or files behind", "./atoll dev")
    for option, port in DEFAULT_PORTS.items():
        subject = option.removeprefix("--").replace("-", " ")
        if port_is_free(port):
            yield Finding(subject, f"{port} is free")
        else:
            yield Finding(subject, f"{port} is in use by another program", f"./atoll dev {option} {port + 1}")


def _mlflow(checkout: Checkout) -> Finding:
    address = running_address(checkout)
    if address is None:
        how = "end ./atoll dev and start it again: it says what keeps MLflow's server from running"
        return Finding("mlflow server", "does not run, the platform does", how)
    return Finding("mlflow server", f"{'runs' if answers(address) else 'starts'} at {address}")


def _environments(owners: Sequence[Project | Service]) -> Iterator[Finding]:
    for owner in owners:
        if problem := environment_problem(owner):
            yield Finding(owner.name, f"{problem.what} {problem.why}", problem.how)
        else:
            yield Finding(owner.name, "its environment is at its lock")


def _settings(checkout: Checkout, projects: Sequence[Project]) -> Iterator[Finding]:
    """Ask the library in the first environment that has it: settings are its, not the control plane's."""
    python = next((project.python for project in projects if not environment_problem(project)), None)
    if python is None:
        return
    output = capture([python, "-c", _SETTINGS], cwd=checkout.root, env=clean_environment(ATOLL_ROOT=str(checkout.root)))
    if output.code:
        raise RuntimeError(f"the library's settings failed: {output.stderr}")
    found = json.loads(output.stdout)
    if "what" in found:
        yield Finding(found["subject"], f"{found['what']} {found['why']}", found["how"])
        return
    for name, value in found.items():
        yield Finding(f"setting {name}", str(value))
