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
from atoll_control.environments import environment_problem, uv
from atoll_control.files import Checkout
from atoll_control.process import capture, clean_environment, exclusive, port_is_free
from atoll_control.projects import Project, discover_projects
from atoll_control.workspace import drifted_files

ENOUGH_DISK = 2 * 1024**3
DEFAULT_PORT = 3000

# Run by a project's interpreter: the settings in force, or what is wrong with them or with the store they name.
_SETTINGS = """
import json

import atoll
from atoll.filesystems import redact
from atoll.store import Store

subject = "settings"
try:
    settings = atoll.settings()
    subject = "store"
    Store(settings.store).probe()
    found = {**settings.model_dump(mode="json", exclude={"store_url"}), "store": redact(settings.store)}
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
        *_projects(projects),
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
    for path in drifted_files(checkout, discover_projects(checkout)):
        yield Finding("derived files", f"{path.name} does not list what is under code_locations/", "./atoll sync")


def _platform(checkout: Checkout) -> Iterator[Finding]:
    record = read_record(checkout)
    with exclusive(checkout.state / "dev.lock") as free:
        if not free:
            yield Finding("platform", f"runs at {record['address'] if record else 'an address to come'}")
            return
    if record:
        yield Finding("platform", "a killed ./atoll dev left processes or files behind", "./atoll dev")
    if port_is_free(DEFAULT_PORT):
        yield Finding("port", f"{DEFAULT_PORT} is free")
    else:
        yield Finding("port", f"{DEFAULT_PORT} is in use by another program", f"./atoll dev --port {DEFAULT_PORT + 1}")


def _projects(projects: Sequence[Project]) -> Iterator[Finding]:
    for project in projects:
        if problem := environment_problem(project):
            yield Finding(project.name, f"{problem.what} {problem.why}", problem.how)
        else:
            yield Finding(project.name, "its environment is at its lock")


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
