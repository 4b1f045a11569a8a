"""The checkout's own instance: projects in their own environments, a page where `./atoll dev` runs."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import date
from typing import Any

from atoll_control import clock, headless
from atoll_control.dagster_dev import read_record
from atoll_control.environments import environment_problem, sync_environment
from atoll_control.errors import UserError
from atoll_control.files import Checkout
from atoll_control.graphql import Page
from atoll_control.instance import initialise_instance
from atoll_control.mlflow import running_address
from atoll_control.places.place import Place
from atoll_control.process import Output, capture, clean_environment, exclusive
from atoll_control.projects import Project, discover_projects

# The location whose environment is taken for the store, where it can start.
PREFERRED = "operations"


class Laptop(Place):
    """A checkout and what runs in it."""

    option, settings = "", "atoll.toml"

    def __init__(self, checkout: Checkout) -> None:
        self._checkout = checkout

    def list_locations(self) -> list[dict[str, Any]]:
        """Describe every folder under `code_locations/`, with the cure where it cannot start."""
        with ThreadPoolExecutor() as pool:
            return list(pool.map(_describe, discover_projects(self._checkout)))

    def page(self) -> Page:
        """Return the page of the running `./atoll dev`."""
        record = read_record(self._checkout)
        with exclusive(self._checkout.state / "dev.lock") as free:
            pass
        if free or record is None:
            how = "./atoll dev in another terminal, then this again."
            raise UserError("the platform does not run.", "a replay needs its sensors and its daemon.", how)
        page = Page(record["address"])
        with suppress(OSError):
            page.locations()
            return page
        raise UserError(
            "the platform does not answer yet.", "it is still starting.", "wait for ./atoll dev to be ready."
        )

    def tracking(self) -> str | None:
        """Return where MLflow's server is; None where `./atoll dev` does not run."""
        return running_address(self._checkout)

    def choose_profile(self, *, full: bool) -> str | None:
        """Return `full` where it is asked for."""
        return "full" if full else None

    def move_clock(self, today: date, profile: str | None = None) -> None:
        """Write the checkout's record."""
        clock.move_clock(self._checkout, today, profile)

    def materialize(
        self, project: Project, *, select: str, partition: str | None, full: bool, dry_run: bool
    ) -> tuple[int, dict[str, Any] | None]:
        """Run it as a child of the command, after bringing the project's environment to its lock."""
        if problem := environment_problem(project) if dry_run else _prepare(project):
            raise problem
        initialise_instance(self._checkout)
        return headless.materialize(
            self._checkout, project, select=select, partition=partition, full=full, dry_run=dry_run
        )

    def python(self, project: Project | None, *arguments: str) -> Output:
        """Run the interpreter of a project that can start."""
        if project is None:
            project = self._choose_project()
        elif problem := environment_problem(project):
            raise problem
        else:
            initialise_instance(self._checkout)
        environment = clean_environment(
            DAGSTER_HOME=str(self._checkout.dagster_home), ATOLL_ROOT=str(self._checkout.root)
        )
        return capture([project.python, *arguments], cwd=project.folder, env=environment)

    def _choose_project(self) -> Project:
        """Take `operations`, or the first project that can start."""
        projects = sorted(discover_projects(self._checkout), key=lambda project: project.name != PREFERRED)
        found = next((project for project in projects if not environment_problem(project)), None)
        if found is None:
            raise UserError(
                "the store cannot be looked into.",
                "the library is in the projects' environments, and none of them can start.",
                "./atoll sync",
            )
        return found


def _prepare(project: Project) -> UserError | None:
    return project.problem or sync_environment(project.name, project.folder, project.modules).problem


def _describe(project: Project) -> dict[str, Any]:
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
