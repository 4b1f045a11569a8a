"""Start: how long `./atoll dev` takes with nothing changed, before it starts Dagster and until all is loaded."""

import time

from checkout import Checkout
from dev_session import DevSession
from figures import Figure

SIZES = (2, 5, 10)
LIMIT = 2.0


def measure(checkout: Checkout, rounds: int) -> Figure:
    """Start the platform over some empty locations, in turn with a script that imports them one after another."""
    figure = Figure("start", "A start with nothing changed, over empty locations")
    for size in SIZES:
        names = [f"empty_{number:02}" for number in range(size)]
        checkout.use(dict.fromkeys(names, "empty"))
        imports, before, loaded = [], [], []
        for _ in range(rounds + 1):
            imports.append(import_all(checkout, names))
            with DevSession(checkout) as session:
                before.append(session.seconds_to_dagster())
                loaded.append(session.seconds_to_loaded)
        del imports[0], before[0], loaded[0]
        figure.add(f"{size} locations: script that imports each", "s", imports)
        figure.add(f"{size} locations: before Dagster is started", "s", before, LIMIT)
        figure.add(f"{size} locations: until all are loaded", "s", loaded)
        figure.add_ratio(f"{size} locations: loaded / script", loaded, imports)
    return figure


def import_all(checkout: Checkout, names: list[str]) -> float:
    """Import the definitions of each location in its own environment, one cold process after another; in seconds."""
    begin = time.perf_counter()
    for name in names:
        checkout.run([checkout.python(name), "-c", f"import {name}.definitions"])
    return time.perf_counter() - begin
