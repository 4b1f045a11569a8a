"""Memory: the proportional share (PSS) of idle processes; Linux only."""

import time
from pathlib import Path

from checkout import Checkout
from dev_session import DevSession
from figures import Figure
from launch import ASSETS, LOCATION

EMPTY, FULL = "empty", LOCATION
SETTLED = 5.0
LIMIT = 1.2


def measure(checkout: Checkout, rounds: int) -> Figure:
    """Start the platform over an empty location and one that uses pandas and scikit-learn, and look at both idle."""
    checkout.use({EMPTY: EMPTY, FULL: FULL})
    fresh, used = [], []
    for _ in range(rounds):
        with DevSession(checkout) as session:
            fresh.append(look(checkout))
            session.launch(EMPTY, [[EMPTY, "nothing"]])
            session.launch(FULL, ASSETS)
            used.append(look(checkout))
    figure = Figure("memory", "Memory of idle processes")
    for when, looks in (("just loaded", fresh), ("after a run", used)):
        empty, full, everything = zip(*looks, strict=True)
        figure.add(f"{when}: empty location", "MB", empty)
        figure.add(f"{when}: location that uses pandas and scikit-learn", "MB", full)
        figure.add_ratio(f"{when}: location that uses them / empty location", full, empty, LIMIT)
        figure.add(f"{when}: platform with these two locations", "MB", everything)
    return figure


def look(checkout: Checkout) -> tuple[float, float, float]:
    """Wait until nothing happens, and return MB: empty location, the other one, everything."""
    time.sleep(SETTLED)
    return add_up(checkout.python(EMPTY)), add_up(checkout.python(FULL)), add_up(checkout.root)


def add_up(program: Path) -> float:
    """PSS in MB of all processes of an interpreter, or of all interpreters below a folder."""
    sizes = [proportional_set_size(process) for process in Path("/proc").glob("[0-9]*") if _runs(process, program)]
    if not sizes:
        raise RuntimeError(f"no process of {program} is running")
    return sum(sizes) / 1e6


def _runs(process: Path, program: Path) -> bool:
    """Compare with what it was started as: an environment's interpreter is a link to one outside."""
    try:
        return Path((process / "cmdline").read_text().partition("\0")[0]).is_relative_to(program)
    except (FileNotFoundError, ProcessLookupError):
        return False


def proportional_set_size(process: Path) -> int:
    """Memory in bytes; a page that several processes share counts in parts."""
    lines = (process / "smaps_rollup").read_text().splitlines()
    return 1024 * next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
