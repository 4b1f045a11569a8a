"""Bounded waiting: a limit on how long a test hangs when something is broken, never a claim about speed."""

import time
from collections.abc import Callable

# Seconds: two runs on a slow machine, beside others' images being built, have taken more than a third of it.
LIMIT = 900
LONGEST = 1.0


def wait_until(condition: Callable[[], object], what: str, *, pause: float = LONGEST) -> None:
    """Look again after a tenth of the time that has gone by, and after `pause` seconds at most: a look costs."""
    start = time.monotonic()
    while not condition():
        waited = time.monotonic() - start
        assert waited < LIMIT, f"waited {LIMIT} s in vain for {what}"
        time.sleep(min(pause, 0.1 + waited / 10))
