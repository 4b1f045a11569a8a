"""Server: how long `./atoll up` takes until everything is loaded, and the memory of the idle whole."""

import time
from contextlib import suppress
from pathlib import Path

from checkout import OWN, Checkout
from figures import Figure
from memory import proportional_set_size
from server_session import ServerSession

COPIES = 15
SETTLED = 20.0


def measure(checkout: Checkout, rounds: int) -> Figure:
    """Start this checkout's projects with empty volumes and again, look at it idle; then once more with copies."""
    figure = Figure("server", "A whole server: start with images there, memory when idle")
    few, many = f"{len(OWN)} projects", f"{len(OWN) + COPIES} projects"
    checkout.use(own=OWN)
    first, again, looks = [], [], []
    with ServerSession(checkout) as server:
        for _ in range(rounds):
            server.remove()
            first.append(server.start())
            server.stop()
            again.append(server.start())
            looks.append(look(server))
    for when, starts in (("the first time", first), ("again", again)):
        figure.add(f"{few}, {when}: until all are loaded", "s", [start.loaded for start in starts])
        figure.add(f"{few}, {when}: until every container is well", "s", [start.well for start in starts])
    add_memory(figure, few, looks)
    checkout.use({f"empty_{number:02}": "empty" for number in range(COPIES)}, OWN)
    with ServerSession(checkout) as server:
        figure.add(f"{many}, the first time: until all are loaded", "s", [server.start().loaded])
        more = [look(server) for _ in range(rounds)]
    add_memory(figure, many, more)
    added = [(sum(after) - sum(before)) / COPIES for after, before in zip(more, looks, strict=True)]
    figure.add("what each empty project adds", "MB", added)
    return figure


def look(server: ServerSession) -> tuple[float, float]:
    """Wait until nothing happens, and return MB: code servers, everything else."""
    time.sleep(SETTLED)
    sizes = {service: _add_up(processes) for service, processes in server.processes().items()}
    projects = sum(size for service, size in sizes.items() if service in OWN or service.startswith("empty_"))
    return projects, sum(sizes.values()) - projects


def add_memory(figure: Figure, label: str, looks: list[tuple[float, float]]) -> None:
    """Add the whole and its two parts."""
    projects, others = zip(*looks, strict=True)
    figure.add(f"{label}: memory", "MB", [sum(look) for look in looks])
    figure.add("  code servers of the projects", "MB", projects)
    figure.add("  webserver, daemon, guard, MLflow, PostgreSQL, proxy", "MB", others)


def _add_up(processes: list[int]) -> float:
    """Add up MB; the process of a health check has ended by now."""
    sizes = []
    for process in processes:
        with suppress(FileNotFoundError, ProcessLookupError):
            sizes.append(proportional_set_size(Path("/proc", str(process))))
    return sum(sizes) / 1e6
