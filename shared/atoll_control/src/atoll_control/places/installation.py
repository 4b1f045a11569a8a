"""An environment of the server: every project in a container, the page behind a login."""

from datetime import date
from typing import Any

from atoll_control import remote_run
from atoll_control.author import find_author
from atoll_control.clock import render_clock
from atoll_control.deployment.compose import TRACKING
from atoll_control.deployment.server import Server
from atoll_control.errors import UserError
from atoll_control.files import Checkout
from atoll_control.graphql import Location, Page
from atoll_control.places.place import Place
from atoll_control.process import Output
from atoll_control.projects import Project

# The location in whose container store and clock are.
OPERATIONS = "operations"
# Replaces a file by the standard input, in one step.
REPLACE = 'cat > "$0.new" && sync "$0.new" && mv "$0.new" "$0"'


class Installation(Place):
    """One environment, and its containers."""

    def __init__(self, checkout: Checkout, server: Server) -> None:
        self._checkout, self._server = checkout, server
        self.option = f" --env {server.name}"
        self.settings = f"deploy/environments/{server.name}.settings.toml"

    def list_locations(self) -> list[dict[str, Any]]:
        """Describe every location that the page knows, with its image, and its error where it did not load."""
        return [self._describe(location) for location in self.page().locations()]

    def page(self) -> Page:
        """Return the page, with the login of this machine."""
        page, name = self._server.page(), self._server.name
        try:
            page.locations()
        except OSError as error:
            why = f"nothing answers at {page.address}: {error}."
            raise UserError(f"{name} does not answer.", why, f"./atoll status {name}") from error
        return page

    def tracking(self) -> str | None:
        """Return where MLflow is for the other containers."""
        return TRACKING[OPERATIONS]["ATOLL_TRACKING"]

    def choose_profile(self, *, full: bool) -> str | None:
        """Return None: an environment has one profile for all that it does."""
        name, profile = self._server.name, self._server.settings.profile
        if full and profile != "full":
            raise UserError(
                f"{name} does not work on all data.",
                f"its profile is {profile}, for all that it does.",
                f'leave out --full, or write profile = "full" into {self.settings}, then: ./atoll up {name}',
            )
        return None

    def move_clock(self, today: date, profile: str | None = None) -> None:
        """Write the record beside the store."""
        command = ("sh", "-euc", REPLACE, "/atoll/.atoll/clock.json")
        output = self._server.execute(OPERATIONS, *command, input=render_clock(today, profile))
        if output.code:
            raise RuntimeError(f"the clock of {self._server.name} was not moved: {output.stderr}")

    def materialize(
        self, project: Project, *, select: str, partition: str | None, full: bool, dry_run: bool
    ) -> tuple[int, dict[str, Any] | None]:
        """Launch it through the page, and wait for its end."""
        self.choose_profile(full=full)
        page, who = self.page(), find_author(self._checkout)
        return remote_run.materialize(
            page, self.ask, project, select=select, partition=partition, who=who, dry_run=dry_run
        )

    def python(self, project: Project | None, *arguments: str) -> Output:
        """Run it in the container of a location, with the secrets that the container itself has."""
        location = project.name if project else OPERATIONS
        return self._server.execute(location, "/entrypoint", "python", *arguments)

    def _describe(self, location: Location) -> dict[str, Any]:
        error = location.error.strip().splitlines()[0] if location.error else None
        waiting = None if location.loaded or error else "it is not loaded yet"
        return {
            "name": location.name,
            "image": location.image,
            "ready": location.loaded,
            "error": error or waiting,
            "how": None if location.loaded else f"./atoll logs {self._server.name} {location.name}",
        }
