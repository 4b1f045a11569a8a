"""What a verb needs of the place that it acts on."""

import json
from abc import ABC, abstractmethod
from datetime import date
from typing import Any

from atoll_control.errors import UserError
from atoll_control.graphql import Page
from atoll_control.process import Output
from atoll_control.projects import Project


class Place(ABC):
    """One instance of the platform, with its store.

    `option` is what names it in a command line, `settings` the file that has its settings.
    """

    option: str
    settings: str

    @abstractmethod
    def list_locations(self) -> list[dict[str, Any]]:
        """Describe every code location: `name`, whether it is `ready`, and what else is known of it here."""

    @abstractmethod
    def page(self) -> Page:
        """Return the page.

        Raises:
            UserError: it does not answer.
        """

    @abstractmethod
    def tracking(self) -> str | None:
        """Return where MLflow is for who runs in a project's environment; None where it does not run."""

    @abstractmethod
    def choose_profile(self, *, full: bool) -> str | None:
        """Return the profile to ask for, None where it is the place's own.

        Raises:
            UserError: all data are asked for where they are not worked on.
        """

    @abstractmethod
    def move_clock(self, today: date, profile: str | None = None) -> None:
        """Say what day it is, and which profile is worked on while a replay lasts."""

    @abstractmethod
    def materialize(
        self, project: Project, *, select: str, partition: str | None, full: bool, dry_run: bool
    ) -> tuple[int, dict[str, Any] | None]:
        """Materialize assets of a project; return the exit code, and the library's summary where there is one."""

    @abstractmethod
    def python(self, project: Project | None, *arguments: str) -> Output:
        """Run Python in the environment of a project, or of one that knows the store, beside instance and store."""

    def ask(self, project: Project | None, command: str, *arguments: str) -> Any:
        """Return what a command of the library answers.

        Raises:
            UserError: what the library found to be mended.
        """
        output = self.python(project, "-m", f"atoll.commands.{command}", *arguments)
        lines = output.stdout.splitlines()
        if output.code not in (0, 2) or not lines:
            raise RuntimeError(f"the library's {command} failed: {output.stderr}")
        found = json.loads(lines[-1])
        if output.code:
            raise UserError(found["what"], found["why"], found["how"])
        return found

    def inspect(self, verb: str, key: str, **options: str | None) -> Any:
        """Ask the library, which knows the store; the command's own environment has no data library."""
        given = [f"--{name}={value}" for name, value in options.items() if value is not None]
        return self.ask(None, "inspection", verb, key, *given)
