"""`down`: an environment of the server ends; what it has made stays."""

from atoll_control.backup.leftovers import mend_leftovers
from atoll_control.console import GOOD, err, say
from atoll_control.deployment.lock import held
from atoll_control.deployment.server import Server
from atoll_control.docker import docker, last_line, require_engine
from atoll_control.errors import UserError
from atoll_control.files import Checkout

# Seconds in which a run may end by itself.
PATIENCE = 30


def down(checkout: Checkout, name: str, *, dry_run: bool) -> int:
    """Stop and remove the containers of an environment, those of its runs too; its volumes stay."""
    server = Server(checkout, name)
    require_engine()
    containers, runs = server.containers(), _list_runs(name)
    if not containers and not runs:
        say(f"{name} is stopped already")
        return 0
    if dry_run:
        for container in containers:
            say(f"would remove the container of {container.service}")
        if runs:
            say(f"would end {_count(runs)}")
        return 0
    with held(server, "down"):
        # What is paused does not end.
        mend_leftovers(server)
        with err.status("ending runs and servers"):
            # Nothing new is launched while runs end, and what they say of their end is still written down.
            server.compose("stop", "daemon", "webserver")
            runs = _stop_runs(name)
            output = server.compose("down", "--remove-orphans")
    if output.code:
        raise UserError(f"{name} was not stopped.", f"{last_line(output)}.", f"./atoll status {name}")
    if runs:
        say(f"ended {_count(runs)}; the page says so at the next start")
    say(f"{name} is stopped; databases and store stay in their volumes, and ./atoll up {name} goes on with them", GOOD)
    return 0


def _list_runs(name: str) -> list[str]:
    """Return the ids of the containers of runs, which Compose does not know."""
    mine = ("--filter", f"label=atoll.environment={name}", "--filter", "label=dagster/run_id")
    return docker("ps", "--all", "--quiet", *mine).stdout.split()


def _stop_runs(name: str) -> list[str]:
    if ids := _list_runs(name):
        docker("stop", "--time", str(PATIENCE), *ids)
        docker("rm", "--force", *ids)
    return ids


def _count(runs: list[str]) -> str:
    return f"{len(runs)} run{'s' if len(runs) > 1 else ''}"
