"""`store`: what the store holds, and whether it still holds what was written."""

import json
from datetime import datetime
from typing import Any

from rich.markup import escape

from atoll_control.console import BAD, GOOD, out, say, show_json, show_table
from atoll_control.environments import environment_problem
from atoll_control.errors import UserError
from atoll_control.files import Checkout
from atoll_control.process import capture, clean_environment
from atoll_control.projects import Project, discover_projects

# The location whose environment is taken where it can start.
PREFERRED = "operations"
SHORT = 12


def list_store(checkout: Checkout, prefix: str, profile: str | None, *, as_json: bool) -> int:
    """Show what is current: asset, partition, profile, rows, size, time, data version."""
    found = _inspect(checkout, "ls", prefix, profile=profile)
    if as_json:
        show_json(found)
        return 0
    columns = ("asset", "partition", "profile", "created", "format", "rows", "size", "data version")
    show_table(columns, [(row["asset"], row["partition"], row["profile"], *_describe(row)) for row in found])
    return 0


def show_artefact(checkout: Checkout, key: str, partition: str | None, profile: str | None, *, as_json: bool) -> int:
    """Show one artefact: its manifest, where it is, its versions, and of a table the first rows."""
    found = _inspect(checkout, "show", key, partition=partition, profile=profile)
    if as_json:
        show_json(found)
        return 0
    facts = {"place": found["place"], **found["manifest"]}
    show_table(("", ""), [(name, _text(value)) for name, value in facts.items()])
    columns = ("", "created", "format", "rows", "size", "data version", "run")
    rows = [(GOOD if row["current"] else "", *_describe(row), row["run_id"]) for row in found["versions"]]
    show_table(columns, rows, title="")
    if found["preview"]:
        show_table(found["preview"]["columns"], found["preview"]["rows"], title="")
    return 0


def verify_store(checkout: Checkout, prefix: str, *, as_json: bool) -> int:
    """Read everything and compare it with what was written; return 1 when something is at fault."""
    found = _inspect(checkout, "verify", prefix)
    faults = [fault for fault in found if not fault["leftover"]]
    if as_json:
        show_json(found)
    else:
        for fault in found:
            out.print(f"{'leftover' if fault['leftover'] else BAD} {escape(fault['path'])}")
            out.print(f"  {escape(fault['what'])}\n  {escape(fault['how'])}")
        if not faults:
            say("the store holds what was written", GOOD)
    return 1 if faults else 0


def _inspect(checkout: Checkout, verb: str, key: str, **options: str | None) -> Any:
    """Ask the library, which knows the store; the command's own environment has no data library."""
    project = _choose_project(checkout)
    command = [project.python, "-m", "atoll.inspection", verb, key]
    command += [f"--{name}={value}" for name, value in options.items() if value is not None]
    output = capture(command, cwd=project.folder, env=clean_environment(ATOLL_ROOT=str(checkout.root)))
    if output.code not in (0, 2) or not output.stdout:
        raise RuntimeError(f"the library's inspection of the store failed: {output.stderr}")
    found = json.loads(output.stdout)
    if output.code:
        raise UserError(found["what"], found["why"], found["how"])
    return found


def _choose_project(checkout: Checkout) -> Project:
    """Take `operations`, or the first project that can start."""
    projects = sorted(discover_projects(checkout), key=lambda project: project.name != PREFERRED)
    found = next((project for project in projects if not environment_problem(project)), None)
    if found is None:
        raise UserError(
            "the store cannot be looked into.",
            "the library is in the projects' environments, and none of them can start.",
            "./atoll sync",
        )
    return found


def _describe(row: dict[str, Any]) -> tuple[Any, ...]:
    created = datetime.fromisoformat(row["created"]).astimezone().strftime("%Y-%m-%d %H:%M:%S")
    return created, row["format"], row["rows"], _size(row["size"]), row["data_version"][:SHORT]


def _size(number: float) -> str:
    """Bytes for people."""
    for unit in ("B", "kB", "MB", "GB"):
        if number < 1000:
            return f"{number:.0f} {unit}" if unit == "B" else f"{number:.1f} {unit}"
        number /= 1000
    return f"{number:.1f} TB"


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
