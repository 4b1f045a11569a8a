"""Dagster's own `dev` as a child: webserver, daemon and one code server per project, in one process group."""

import contextlib
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from atoll_control import child
from atoll_control.child import Child
from atoll_control.files import Checkout, write_atomically
from atoll_control.graphql import ActiveRun, Location, Page
from atoll_control.instance import prepare_dagster_home
from atoll_control.process import clean_environment
from atoll_control.projects import Project
from atoll_control.runs import headless_process
from atoll_control.workspace import render_workspace

PATIENCE = 20.0


class DagsterDevEnded(Exception):
    """`dagster dev` ended before it was told to."""


class DagsterDev:
    """One `dagster dev` over a workspace of the projects that can start."""

    def __init__(self, checkout: Checkout, projects: Sequence[Project], port: int, **environment: str) -> None:
        """Start it, with `environment` for everything that it starts itself."""
        self.page = Page.local(port)
        # Of its own and short, whatever TMPDIR is: a unix socket's path may have 107 bytes.
        self._sockets = Path(tempfile.mkdtemp(prefix="atoll-", dir="/tmp"))
        workspace = checkout.state / "workspace.yaml"
        write_atomically(workspace, render_workspace(projects, checkout.root))
        checkout.dev_log.unlink(missing_ok=True)
        home = prepare_dagster_home(checkout)
        try:
            self._child = Child(
                [sys.executable, "-m", "dagster", "dev", "-w", workspace, "-h", "127.0.0.1", "-p", str(port)],
                # It is on the path of webserver and daemon: in the root, a file docker.py would hide a package.
                cwd=home,
                env=clean_environment(DAGSTER_HOME=str(home), TMPDIR=str(self._sockets), **environment),
                log=checkout.dev_log,
                record=_record(checkout),
                sockets=str(self._sockets),
                address=self.page.address,
            )
        except BaseException:
            shutil.rmtree(self._sockets)
            raise

    def wait_until_loaded(self, loaded: Callable[[Location], None]) -> list[Location]:
        """Wait until every location is loaded or known to be broken; `loaded` hears of each once.

        Raises:
            DagsterDevEnded: when Dagster ends meanwhile.
        """
        seen: set[str] = set()
        while True:
            self.raise_if_ended()
            try:
                locations = self.page.locations()
            except OSError:
                locations = []
            for location in locations:
                if (location.loaded or location.error) and location.name not in seen:
                    seen.add(location.name)
                    loaded(location)
            if locations and len(seen) == len(locations):
                return locations
            time.sleep(0.2)

    def raise_if_ended(self) -> None:
        """Raise DagsterDevEnded when the process is gone."""
        code = self._child.exit_code()
        if code is not None:
            raise DagsterDevEnded(f"dagster dev ended with {code}")

    def stop(self) -> None:
        """End runs, servers and sockets; nothing that was started here is left."""
        try:
            if self._child.exit_code() is None:
                self._end_runs()
        finally:
            self._end(PATIENCE)

    def kill(self) -> None:
        """End everything at once."""
        self._end(0)

    def _end(self, patience: float) -> None:
        """End Dagster itself first; code servers then only wait for calls that nobody makes, and get little time."""
        self._child.end(patience)
        shutil.rmtree(self._sockets, ignore_errors=True)

    def _end_runs(self) -> None:
        """End the runs of the code servers first gently, then by mark; a headless run belongs to its own command."""
        deadline = time.monotonic() + PATIENCE
        while own := [run for run in self._active_runs() if not headless_process(run.tags)]:
            late = time.monotonic() > deadline
            # Asked again where it came too early: a run whose process only starts cannot be ended yet.
            running = [run.run_id for run in own if late or run.status != "CANCELING"]
            if running:
                with contextlib.suppress(OSError):
                    self.page.terminate_runs(running, force=late)
            time.sleep(0.5)

    def _active_runs(self) -> list[ActiveRun]:
        try:
            return self.page.active_runs()
        except OSError:
            return []


def end_leftover(checkout: Checkout) -> bool:
    """End what a killed `./atoll dev` of this checkout left of Dagster; say whether there was anything."""
    record = read_record(checkout)
    found = child.end_leftover(_record(checkout), PATIENCE)
    if record:
        shutil.rmtree(record["sockets"], ignore_errors=True)
    return found


def read_record(checkout: Checkout) -> dict[str, str] | None:
    """Return what a running `./atoll dev` wrote down: `process`, `sockets`, `address`; None where it is not there."""
    return child.read_record(_record(checkout), "sockets", "address")


def _record(checkout: Checkout) -> Path:
    return checkout.state / "dev.json"
