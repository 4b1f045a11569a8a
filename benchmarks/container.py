"""Container: the six assets of `launch` in a container of a server, against the same in a virtual environment."""

import random
import time

from atoll_control.deployment.compose import LIBRARIES
from atoll_control.manifest import RUNS
from checkout import Checkout
from dev_session import DevSession
from figures import Figure
from launch import ASSETS, LOCATION, add_phases, check_result
from server_session import ServerSession

LIMIT = 1.15
# What a container may have, the other side has too.
THREADS = {f"{library}_THREADS": f"{RUNS.cpus:g}" for library in LIBRARIES}


def measure(checkout: Checkout, rounds: int) -> Figure:
    """Take both in turn while both platforms run; the first round is not counted."""
    checkout.use({LOCATION: LOCATION})
    plain, contained = [], []
    with ServerSession(checkout) as server:
        server.start()
        with DevSession(checkout, **THREADS) as session:
            for _ in range(rounds + 1):
                for side, launches in ((session, plain), (server, contained)):
                    time.sleep(random.random())
                    launches.append(side.launch(LOCATION, ASSETS))
                check_result(*(launches[-1]["metadata"]["metric/mae"] for launches in (plain, contained)))
    del plain[0], contained[0]
    figure = Figure("container", "Six assets: in a container, and in a virtual environment")
    totals = [[run["seen"] - run["asked"] for run in launches] for launches in (plain, contained)]
    figure.add("virtual environment, ./atoll dev", "s", totals[0])
    add_phases(figure, plain)
    figure.add("container, ./atoll up", "s", totals[1])
    add_phases(figure, contained)
    figure.add_ratio("container / virtual environment", totals[1], totals[0], LIMIT)
    return figure
