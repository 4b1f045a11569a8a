"""What the library says of the store, asked in the environment of a project."""

import json
from typing import Any

from atoll_control.environments import environment_problem
from atoll_control.errors import UserError
from atoll_control.files import Checkout
from atoll_control.process import capture, clean_environment
from atoll_control.projects import Project, discover_projects

# The location whose environment is taken where it can start.
PREFERRED = "operations"


def inspect_store(checkout: Checkout, verb: str, key: str, **options: str | None) -> Any:
    """Ask the library, which knows the store; the command's own environment has no data library."""
    project = _choose_project(checkout)
    command = [project.python, "-m", "atoll.commands.inspection", verb, key]
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
