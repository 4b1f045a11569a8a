"""Bounded waiting: a limit on how long a test hangs when something is broken, never a claim about speed."""

import time
from collections.abc import Callable

# Seconds.
LIMIT = 300
LONGEST = 1.0


def wait_until(condition: Callable[[], object], what: str, *, seconds: float = LIMIT, pause: float = LONGEST) -> None:
    """Look again after a tenth of the time that has gone by, and after `pause` seconds at most: a look costs."""
    start = time.monotonic()
    while not condition():
        waited = time.monotonic() - start
        assert waited < seconds, f"waited {seconds} s in vain for {what}"
        time.sleep(min(pause, 0.1 + waited / 10))
