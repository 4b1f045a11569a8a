"""`sync`: derived files and every environment, brought to what the folders and locks say."""

from collections.abc import Sequence

from atoll_control.console import BAD, GOOD, err, say, show_problem
from atoll_control.contracts import find_missing_contracts, write_contracts
from atoll_control.derived import find_drifted, write_derived
from atoll_control.environments import Synced, environment_problem, sync_environment, sync_projects
from atoll_control.files import Checkout
from atoll_control.projects import Project, discover_projects, select_projects
from atoll_control.services import Service, discover_services


def sync(checkout: Checkout, names: list[str], *, dry_run: bool) -> int:
    """Write the derived files and bring the named projects' environments, or all and the services', to their locks."""
    projects = select_projects(checkout, names)
    services = [] if names else discover_services(checkout)
    if dry_run:
        for path in find_drifted(checkout, discover_projects(checkout)):
            say(f"would write {path.relative_to(checkout.root)}")
        for each in [*services, *projects]:
            if problem := environment_problem(each):
                say(f"would sync  {each.name}: {problem.why}")
        return 0
    for path in write_derived(checkout, discover_projects(checkout)):
        say(f"wrote {path.relative_to(checkout.root)}", GOOD)
    failed = any(result.problem for result in sync_with_progress([*services, *projects], always=True))
    everyone = discover_projects(checkout)
    for path in write_contracts(everyone, projects):
        say(f"wrote {path.relative_to(checkout.root)}", GOOD)
    for problem in find_missing_contracts(everyone, projects):
        show_problem(problem)
        failed = True
    return 2 if failed else 0


def sync_with_progress(projects: Sequence[Project | Service], *, always: bool = False) -> list[Synced]:
    """Sync the environments side by side and say what became of each."""
    waiting = {project.name for project in projects}

    def tell(result: Synced) -> None:
        waiting.discard(result.name)
        if result.problem:
            say(f"environment of {result.name}", BAD)
            show_problem(result.problem)
        else:
            say(f"environment of {result.name}", GOOD)
        status.update(_status(waiting))

    with err.status(_status(waiting)) as status:
        return sync_projects(projects, tell, always=always)


def sync_library(checkout: Checkout) -> Synced:
    """Bring the library's own environment, in which its tests run, to its lock."""
    return sync_environment("atoll", checkout.library, {"atoll": str(checkout.library)})


def _status(waiting: set[str]) -> str:
    return f"environments: {', '.join(sorted(waiting))}" if waiting else "environments"
