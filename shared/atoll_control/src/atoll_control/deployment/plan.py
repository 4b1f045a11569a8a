"""The plan of a deployment: which images would be replaced, as a difference."""

from collections.abc import Sequence

from atoll_control.console import BAD, say
from atoll_control.deployment.difference import list_changes
from atoll_control.deployment.history import History
from atoll_control.deployment.release import Release
from atoll_control.deployment.secrets import missing_secrets
from atoll_control.deployment.server import Server
from atoll_control.projects import Project


def tell_plan(server: Server, projects: Sequence[Project], release: Release) -> None:
    """Say which images would be replaced, and what would be refused."""
    for path in missing_secrets(server.secrets, projects):
        say(f"would refuse: there is no secret {path.relative_to(server.checkout.root)}", BAD)
    changes = list_changes(History(server.folder / "history").current(), release)
    for change in changes:
        say(f"would replace {change}")
    if not changes:
        say(f"every image of {server.name} is that of its release file; its settings and limits would be compared")
