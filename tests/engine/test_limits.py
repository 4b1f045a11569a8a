"""How many runs of a project go at a time: what waits of one keeps no other waiting."""

from collections import Counter

import yaml

from engine import inspect
from runs import status
from server import Running
from trials import NAME as TRIALS
from waiting import LIMIT, wait_until

OTHER = "aviation_data"


def find_limit(server: Running) -> int:
    """Return how many runs of each project may go at a time, as the instance says."""
    instance = yaml.safe_load((server.clone.checkout.deploy / "instance" / "dagster.yaml").read_text())
    limits = instance["run_coordinator"]["config"]["tag_concurrency_limits"]
    (found,) = (
        limit["limit"] for limit in limits if limit["key"] == "dagster/code_location" and limit["value"] != "operations"
    )
    return found


def list_states(server: Running, runs: list[str]) -> dict[str, str]:
    return {run: status(server.page, run) for run in runs}


def count_running(server: Running) -> int:
    return sum(container["State"]["Running"] for container in inspect(*server.run_containers(TRIALS)))


def test_a_project_that_asks_for_more_than_its_limit_waits_alone(server):
    limit = find_limit(server)
    asked = [server.launch(TRIALS, "patience", seconds=2 * LIMIT) for _ in range(limit + 1)]
    full = Counter(STARTED=limit, QUEUED=1)
    wait_until(lambda: Counter(list_states(server, asked).values()) == full, "as many runs as may go")

    # Asked for last, and not kept waiting by what came before.
    server.succeed(server.launch(OTHER, "planes"))
    states = list_states(server, asked)
    assert Counter(states.values()) == full
    assert count_running(server) == limit

    waiting = asked.pop(list(states.values()).index("QUEUED"))
    server.end_waiting(asked.pop())
    wait_until(lambda: status(server.page, waiting) == "STARTED", "the start of the one that has waited")
    assert count_running(server) == limit
    server.end_waiting(*asked, waiting)
