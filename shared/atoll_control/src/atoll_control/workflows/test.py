"""`test`: every project's tests in its own environment, then the library's, the command's and the platform's."""

import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from atoll_control.console import BAD, GOOD, say, show_problem, show_table
from atoll_control.errors import UserError
from atoll_control.files import Checkout
from atoll_control.process import Output, capture, clean_environment, side_by_side
from atoll_control.projects import Project, select_projects
from atoll_control.workflows.since import Since
from atoll_control.workflows.sync import sync_library, sync_with_progress

LIBRARY, COMMAND = "atoll", "atoll_control"

# Two with servers of their own keep two processors busy; the third takes what they leave.
SUITES_AT_ONCE = 3


@dataclass(frozen=True)
class Suite:
    """Tests that run together in one environment."""

    name: str
    python: Path
    folder: Path
    tests: Path = Path("tests")
    niceness: int = 0

    @property
    def command(self) -> list[str]:
        """What runs them."""
        return ["nice", "-n", str(self.niceness), str(self.python), "-m", "pytest", "-q", str(self.tests)]


def test(checkout: Checkout, names: list[str], since: str | None = None) -> int:
    """Run the suites of the named projects, or everything, to the end; exit 1 when one failed.

    With `since` only those of what differs from that, without the platform's as a whole.

    Raises:
        UserError: when an environment cannot be brought to its lock; nothing is run then.
    """
    # A script that runs this in the background has SIGINT ignored, and so would have all that tests interrupt.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    projects = select_projects(checkout, names)
    own = [] if names else own_suites(checkout)
    if since is not None:
        projects, own = _leave_what_differs(checkout, since, projects, own)
        told = [project.name for project in projects] + [suite.name for suite in own]
        say(f"differs from {since}: {', '.join(told) or 'nothing'}")
    broken = [result for result in sync_with_progress(projects) if result.problem]
    if any(suite.name == LIBRARY for suite in own) and (problem := sync_library(checkout).problem):
        show_problem(problem)
        return 2
    if broken:
        return 2
    suites = project_suites(checkout, projects)
    if names:
        results = [(suite, _run(checkout, suite)) for suite in suites]
    else:
        platform = [] if since else platform_suites(checkout)
        results = _run_side_by_side(checkout, arrange(platform, [*own, *suites]))
    if results:
        show_table(
            ("", "tests", ""),
            [(BAD if code else GOOD, suite.name, f"exit {code}" if code else "") for suite, code in results],
        )
    return 1 if any(code for _, code in results) else 0


def _leave_what_differs(
    checkout: Checkout, name: str, projects: Sequence[Project], own: Sequence[Suite]
) -> tuple[list[Project], list[Suite]]:
    since = Since(checkout, name)
    differs = {LIBRARY: lambda: since.library_differs(projects), COMMAND: since.control_differs}
    return [p for p in projects if since.project_differs(p)], [suite for suite in own if differs[suite.name]()]


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
        suites.append(Suite(project.name, project.python, project.folder))
        portable = checkout.library / "tests" / "portable"
        suites.append(Suite(f"atoll in {project.name}", project.python, checkout.library, portable))
    return suites


def own_suites(checkout: Checkout) -> list[Suite]:
    """The library's tests and the command's."""
    library = checkout.library / ".venv" / "bin" / "python"
    return [Suite(LIBRARY, library, checkout.library), Suite(COMMAND, Path(sys.executable), checkout.control)]


def arrange(platform: Sequence[Suite], others: Sequence[Suite]) -> list[Suite]:
    """Return suites in the order in which they begin, those nicer that can wait.

    Args:
        platform: Those with servers, which cost as long as they are up, the longest first. Two of them run at a time:
            the longest, and beside it the others from the shortest on.
        others: Those without, the longest first; they take what is left of the processor.
    """
    servers = [*platform[:1], *(replace(suite, niceness=5) for suite in platform[:0:-1])]
    rest = [replace(suite, niceness=10) for suite in others]
    return [*servers[:2], *rest[:1], *servers[2:], *rest[1:]]


def _run_side_by_side(checkout: Checkout, suites: list[Suite]) -> list[tuple[Suite, int]]:
    ended = side_by_side(lambda suite: (suite, _capture(checkout, suite)), suites, _show, SUITES_AT_ONCE)
    return [(suite, output.code) for suite, output in ended]


def platform_suites(checkout: Checkout) -> list[Suite]:
    """The folders under `tests/` that hold tests, that with most files first; what runs in each is of its own clone."""
    files = Counter(file.parent for file in sorted((checkout.root / "tests").glob("*/test_*.py")))
    folders = [folder for folder, _ in files.most_common()]
    return [
        Suite(folder.name, Path(sys.executable), checkout.root, folder.relative_to(checkout.root)) for folder in folders
    ]


def _run(checkout: Checkout, suite: Suite) -> int:
    say(f"\n{suite.name}")
    return subprocess.run(suite.command, cwd=suite.folder, env=_environment(checkout), check=False).returncode


def _capture(checkout: Checkout, suite: Suite) -> Output:
    say(f"testing {suite.name}")
    return capture(suite.command, cwd=suite.folder, env=_environment(checkout))


def _show(ended: tuple[Suite, Output]) -> None:
    suite, output = ended
    say(f"\n{suite.name}\n{output.stdout}{output.stderr}")


def _environment(checkout: Checkout) -> dict[str, str]:
    return clean_environment(ATOLL_ROOT=str(checkout.root))
