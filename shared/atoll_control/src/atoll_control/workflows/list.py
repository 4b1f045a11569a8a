"""`list`: which code locations there are."""

from concurrent.futures import ThreadPoolExecutor

from atoll_control.console import BAD, GOOD, show_json, show_table
from atoll_control.environments import environment_problem
from atoll_control.files import Checkout
from atoll_control.projects import Project, discover_projects


def list_locations(checkout: Checkout, *, as_json: bool) -> int:
    """Show name, owner, required Python and whether the location can start, with the cure where it cannot."""
    projects = discover_projects(checkout)
    with ThreadPoolExecutor() as pool:
        rows = list(pool.map(_describe, projects))
    if as_json:
        show_json(rows)
        return 0
    show_table(
        ("", "location", "owner", "python", "description", ""),
        [
            (GOOD if row["ready"] else BAD, row["name"], row["owner"], row["python"], row["description"], row["how"])
            for row in rows
        ],
    )
    return 0


def _describe(project: Project) -> dict[str, object]:
    problem = environment_problem(project)
    return {
        "name": project.name,
        "owner": project.owner,
        "python": project.requires_python,
        "description": project.description,
        "ready": problem is None,
        "why": problem and problem.why,
        "how": problem and problem.how,
    }
