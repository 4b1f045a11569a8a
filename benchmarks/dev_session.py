"""One `./atoll dev`, from its start to SIGINT, and the page's own interface to it."""

import json
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Any, Self

from atoll_control.graphql import Page
from atoll_control.process import port_is_free
from checkout import Checkout
from page_run import run_assets

PORTS = range(3900, 3990)


class DevSession:
    """A started platform. As a context: loaded when the block begins, ended when it is left."""

    def __init__(self, checkout: Checkout, **environment: str) -> None:
        """Start the command in a session of its own, so that Ctrl-C reaches it only through `__exit__`."""
        self._checkout = checkout
        port = next(port for port in PORTS if port_is_free(port))
        self.page = Page.local(port)
        self._begin = time.perf_counter()
        self._process = subprocess.Popen(
            ["./atoll", "dev", "--port", str(port)],
            cwd=checkout.root,
            env=checkout.environment | environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            text=True,
        )
        self.seconds_to_loaded = 0.0

    def __enter__(self) -> Self:
        """Wait until every location is loaded."""
        try:
            self._wait()
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        """End it, as Ctrl-C does."""
        self._stop()

    def _wait(self) -> None:
        """Read until the command prints the page's address, which it does once no location is still loading."""
        assert self._process.stdout is not None
        lines: list[str] = []
        for line in self._process.stdout:
            lines.append(line)
            if self.page.address in line:
                self.seconds_to_loaded = time.perf_counter() - self._begin
                break
        else:
            raise RuntimeError(f"./atoll dev ended:\n{''.join(lines)}")
        if not all(location.loaded for location in self.page.locations()):
            raise RuntimeError(f"./atoll dev did not load every location:\n{''.join(lines)}")

    def _stop(self) -> None:
        self._process.send_signal(signal.SIGINT)
        self._process.communicate()

    def seconds_to_dagster(self) -> float:
        """Seconds between the start of the command and the start of Dagster, as the kernel wrote both down."""
        dagster = json.loads((self._checkout.root / ".atoll" / "dev.json").read_text())["process"]
        ticks = int(dagster.partition(":")[2]) - _start_ticks(self._process.pid)
        return ticks / os.sysconf("SC_CLK_TCK")

    def launch(self, location: str, assets: list[list[str]]) -> dict[str, Any]:
        """Launch assets and wait for the end: see `run_assets`."""
        return run_assets(self.page, location, assets, self.read_log)

    def read_log(self) -> str:
        """Read what Dagster and the code servers printed."""
        return (self._checkout.root / ".atoll" / "logs" / "dev.log").read_text(errors="replace")


def _start_ticks(pid: int) -> int:
    """Start of a process in clock ticks since boot."""
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19])
