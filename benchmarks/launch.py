"""Launch: six assets on a running platform, from the page's mutation to success, against the plain script."""

import json
import random
import time
from typing import Any

from checkout import Checkout
from dev_session import DevSession
from figures import Figure
from script import run_script

LOCATION = "flights"
ASSETS = [[LOCATION, name] for name in ("raw", "arrived", "features", "model", "evaluation", "published")]
PHASES = {
    "mutation, to the run's place in the queue": ("asked", "enqueuedTime"),
    "in the queue": ("enqueuedTime", "launchTime"),
    "start of its process, imports": ("launchTime", "startTime"),
    "run": ("startTime", "endTime"),
    "until it is seen": ("endTime", "seen"),
}
LIMIT = 2.0


def measure(checkout: Checkout, rounds: int) -> Figure:
    """Take script and platform in turn; the first round is not counted.

    Each launch waits for a random part of a second, to come at any moment of the queue's cycle, as a person's does.
    """
    checkout.use({LOCATION: LOCATION})
    scripts: list[float] = []
    launches: list[dict[str, Any]] = []
    with DevSession(checkout) as session:
        for _ in range(rounds + 1):
            seconds, printed = run_script(checkout, LOCATION)
            time.sleep(random.random())
            run = session.launch(LOCATION, ASSETS)
            check_result(json.loads(printed), run["metadata"]["metric/mae"])
            scripts.append(seconds)
            launches.append(run)
    del scripts[0], launches[0]
    totals = [run["seen"] - run["asked"] for run in launches]
    figure = Figure("launch", "Six assets: from the launch to success, on a running platform")
    figure.add("plain script", "s", scripts)
    figure.add("platform", "s", totals)
    add_phases(figure, launches)
    figure.add_ratio("platform / script", totals, scripts, LIMIT)
    return figure


def add_phases(figure: Figure, launches: list[dict[str, Any]]) -> None:
    """Say where the seconds of launches go."""
    for label, (begin, end) in PHASES.items():
        figure.add(f"  {label}", "s", [run[end] - run[begin] for run in launches])


def check_result(expected: float, made: float) -> None:
    """Raise where the platform did not compute what the script did."""
    if made != expected:
        raise RuntimeError(f"the script's mean absolute error is {expected!r}, the platform's {made!r}")
