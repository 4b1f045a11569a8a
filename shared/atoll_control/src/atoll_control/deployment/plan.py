"""The plan of a deployment: which images would be replaced, as a difference."""

from collections.abc import Sequence

from atoll_control.console import BAD, say
from atoll_control.deployment.release import Release
from atoll_control.deployment.secrets import missing_secrets
from atoll_control.deployment.server import Server
from atoll_control.projects import Project

# The service that shows which image of a part runs, where it has another name.
SHOWN_BY = {"control": "webserver"}


def tell_plan(server: Server, projects: Sequence[Project], release: Release) -> None:
    """Say as a difference which images would be replaced."""
    for path in missing_secrets(server.secrets, projects):
        say(f"would refuse: there is no secret {path.relative_to(server.checkout.root)}", BAD)
    running = {box.service: box.image for box in server.containers()} if server.was_started else {}
    changed = 0
    for part, released in release.items():
        image = running.get(SHOWN_BY.get(part, part))
        if image != released.image:
            changed += 1
            say(f"- {part} {_shorten(image) if image else '(does not run)'}")
            say(f"+ {part} {_shorten(released.image)}  commit {(released.commit or 'unknown')[:12]}")
    if not changed:
        say(f"every image of {server.name} is that of its release file; settings and limits are compared by deploying")


def _shorten(image: str) -> str:
    return image.partition("@sha256:")[2][:12] or image
