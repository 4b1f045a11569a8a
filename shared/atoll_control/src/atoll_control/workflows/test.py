"""`test`: every project's tests in its own environment, then the library's, the command's and the platform's."""

import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from atoll_control.console import BAD, GOOD, say, show_problem, show_table
from atoll_control.errors import UserError
from atoll_control.files import Checkout
from atoll_control.process import clean_environment
from atoll_control.projects import Project, select_projects
from atoll_control.workflows.sync import sync_library, sync_with_progress


@dataclass(frozen=True)
class Suite:
    """Tests that run together in one environment."""

    name: str
    python: Path
    folder: Path
    paths: Sequence[Path]


def test(checkout: Checkout, names: list[str]) -> int:
    """Run the suites of the named projects, or everything, to the end; exit 1 when one failed.

    Raises:
        UserError: when an environment cannot be brought to its lock; nothing is run then.
    """
    projects = select_projects(checkout, names)
    broken = [result for result in sync_with_progress(projects) if result.problem]
    if not names and (problem := sync_library(checkout).problem):
        show_problem(problem)
        return 2
    if broken:
        return 2
    suites = project_suites(checkout, projects)
    if not names:
        suites += platform_suites(checkout)
    results = [(suite, _run(checkout, suite)) for suite in suites]
    show_table(
        ("", "tests", ""),
        [(BAD if code else GOOD, suite.name, f"exit {code}" if code else "") for suite, code in results],
    )
    return 1 if any(code for _, code in results) else 0


def project_suites(checkout: Checkout, projects: Sequence[Project]) -> list[Suite]:
    """A project's own tests, and the library's portable ones with the versions that the project pins."""
    suites = []
    for project in projects:
        if not (project.folder / "tests").is_dir():
            raise UserError(
                f"{project.name} has no tests.",
                f"there is no code_locations/{project.name}/tests.",
                "write one: docs/handover.md says what a project's tests show.",
            )
        suites.append(Suite(project.name, project.python, project.folder, [Path("tests")]))
        portable = checkout.library / "tests" / "portable"
        suites.append(Suite(f"atoll in {project.name}", project.python, checkout.library, [portable]))
    return suites


def platform_suites(checkout: Checkout) -> list[Suite]:
    """The library's tests in its own environment, then those of the command and of the platform as a whole."""
    library = checkout.library / ".venv" / "bin" / "python"
    control = Path(sys.executable)
    return [
        Suite("atoll", library, checkout.library, [Path("tests")]),
        Suite("atoll_control", control, checkout.control, [Path("tests")]),
        Suite("platform", control, checkout.root, [Path("tests")]),
    ]


def _run(checkout: Checkout, suite: Suite) -> int:
    say(f"\n{suite.name}")
    command = [str(suite.python), "-m", "pytest", "-q", *(str(path) for path in suite.paths)]
    environment = clean_environment(ATOLL_ROOT=str(checkout.root))
    return subprocess.run(command, cwd=suite.folder, env=environment, check=False).returncode
