"""`logs`: what a service of an environment has printed."""

import subprocess

from atoll_control.deployment.server import Server
from atoll_control.docker import require_engine
from atoll_control.errors import UserError
from atoll_control.files import Checkout
from atoll_control.process import clean_environment


def logs(checkout: Checkout, name: str, service: str, *, lines: int, follow: bool) -> int:
    """Print the last lines of a location's code server or another service, and go on with `follow` until Ctrl-C."""
    server = Server(checkout, name)
    require_engine()
    known = server.compose("config", "--services").stdout.split()
    if service not in known:
        raise UserError(
            f"{name} has no service {service}.",
            f"its services are {', '.join(sorted(known))}.",
            "name one of those; what a run prints is in the page.",
        )
    options = ["--tail", str(lines), *(["--follow"] if follow else [])]
    command, variables = server.compose_command("logs", "--no-log-prefix", *options, service)
    try:
        return subprocess.run(command, env=clean_environment(**variables), check=False).returncode
    except KeyboardInterrupt:
        return 0
