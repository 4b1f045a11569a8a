"""Steps: what one more empty asset adds to a run on a running platform, against one more call in a script."""

from checkout import Checkout
from dev_session import DevSession
from figures import Figure
from script import run_script

LOCATION = "steps"
SHORT, LONG = 2, 22
KINDS = {"order": "waits for the one before", "value": "loads a value and stores it"}


def measure(checkout: Checkout, rounds: int) -> Figure:
    """Take the slope between the short and the long chain, round by round; the first round is not counted."""
    checkout.use({LOCATION: LOCATION})
    figure = Figure("steps", "Added by each empty asset, which")
    with DevSession(checkout) as session:
        for kind, label in KINDS.items():
            scripts, platforms = [], []
            for _ in range(rounds + 1):
                scripts.append(slope(*(run_script(checkout, LOCATION, kind, str(n))[0] for n in (SHORT, LONG))))
                platforms.append(slope(*(launch(session, kind, length) for length in (SHORT, LONG))))
            figure.add(f"{label}: script", "ms", scripts[1:])
            figure.add(f"{label}: platform", "ms", platforms[1:])
    return figure


def slope(short: float, long: float) -> float:
    """Milliseconds for each step by which the long chain is longer."""
    return 1000 * (long - short) / (LONG - SHORT)


def launch(session: DevSession, kind: str, length: int) -> float:
    """Seconds from the launch to the end of the run, without the wait in the queue: up to a second, by chance."""
    run = session.launch(LOCATION, [[LOCATION, f"{kind}_{length}", f"{place:02}"] for place in range(length)])
    return run["endTime"] - run["asked"] - (run["launchTime"] - run["enqueuedTime"])
