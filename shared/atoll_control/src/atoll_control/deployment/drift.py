"""What of an environment runs otherwise than its files say."""

from collections.abc import Sequence
from dataclasses import dataclass

from atoll_control.deployment.compose import SOCKETS
from atoll_control.deployment.server import ONCE, Container, Server
from atoll_control.projects import Project

# Prints a location and the beginning of the id of the container whose socket is asked, a line each.
_LINKS = f"""cd {SOCKETS} && for link in */current.sock; do
  if [ -L "$link" ]; then echo "${{link%%/*}} $(basename "$(readlink "$link")" .sock)"; fi
done"""


@dataclass(frozen=True)
class Drift:
    """What is to be started or replaced, by service: of the platform, and code servers of locations.

    `cold` is an environment of which no code server runs: nobody is there who would notice a gap.
    """

    cold: bool
    platform: tuple[str, ...]
    locations: tuple[str, ...]

    def __bool__(self) -> bool:
        """Whether there is any."""
        return self.cold or bool(self.platform or self.locations)


def find_drift(server: Server, projects: Sequence[Project]) -> Drift:
    """Compare the containers with the files that `deployment.variables` wrote."""
    wanted, containers = server.configurations(), server.containers()
    names = {project.name for project in projects}
    right = {box.service: box for box in containers if is_right(box, wanted)}
    others = {box.service for box in containers if not is_right(box, wanted)}
    platform = {service for service in wanted if service not in names | ONCE | right.keys()}
    # Those of a project that is no more.
    platform |= {service for service in others if service not in wanted}
    cold = not any(box.service in names and box.state == "running" for box in containers)
    # Without a webserver to look from, every link is as it should be until there is one.
    asked = find_asked(server) if not cold and "webserver" in right else {name: box.id for name, box in right.items()}
    locations = [
        name
        for name in sorted(names)
        if name in others or name not in right or not asked.get(name) or not right[name].id.startswith(asked[name])
    ]
    return Drift(cold, tuple(sorted(platform)), tuple(locations))


def find_asked(server: Server) -> dict[str, str]:
    """Return the beginning of the id of the container that is asked, by location."""
    return dict(line.split() for line in server.execute("webserver", "sh", "-c", _LINKS).stdout.splitlines())


def is_right(container: Container, wanted: dict[str, str]) -> bool:
    """Say whether a container runs and was made from what the files say."""
    return container.state == "running" and container.configuration == wanted.get(container.service)
