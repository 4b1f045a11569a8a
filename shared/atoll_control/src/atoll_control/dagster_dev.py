"""Dagster's own `dev` as a child: webserver, daemon and one code server per project, in one process group."""

import contextlib
import json
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from atoll_control.files import Checkout, write_atomically
from atoll_control.graphql import ActiveRun, Location, Page
from atoll_control.instance import prepare_dagster_home
from atoll_control.process import clean_environment, end_group, identity, is_alive, start_time
from atoll_control.projects import Project
from atoll_control.runs import headless_process
from atoll_control.workspace import render_workspace

PATIENCE = 20.0


class DagsterDevEnded(Exception):
    """`dagster dev` ended before it was told to."""


class DagsterDev:
    """One `dagster dev` over a workspace of the projects that can start."""

    def __init__(self, checkout: Checkout, projects: Sequence[Project], port: int) -> None:
        self.page = Page(port)
        self._checkout = checkout
        # Of its own and short, whatever TMPDIR is: a unix socket's path may have 107 bytes.
        self._sockets = Path(tempfile.mkdtemp(prefix="atoll-", dir="/tmp"))
        workspace = checkout.state / "workspace.yaml"
        write_atomically(workspace, render_workspace(projects, checkout.root))
        checkout.dev_log.parent.mkdir(parents=True, exist_ok=True)
        home = prepare_dagster_home(checkout)
        # The working folder is on the path of webserver and daemon: in the root, a file docker.py would hide a package.
        with checkout.dev_log.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "dagster", "dev", "-w", workspace, "-h", "127.0.0.1", "-p", str(port)],
                cwd=home,
                env=clean_environment(DAGSTER_HOME=str(home), TMPDIR=str(self._sockets)),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            process = identity(self._process.pid)
            record = {"process": process, "sockets": str(self._sockets), "address": self.page.address}
            write_atomically(_record(checkout), json.dumps(record))
        except BaseException:
            self.kill()
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
        if self._process.poll() is not None:
            raise DagsterDevEnded(f"dagster dev ended with {self._process.returncode}")

    def stop(self) -> None:
        """End runs, servers and sockets; nothing that was started here is left."""
        try:
            if self._process.poll() is None:
                self._end_runs()
        finally:
            self._end(PATIENCE)

    def kill(self) -> None:
        """End everything at once."""
        self._end(0)

    def _end(self, patience: float) -> None:
        """End Dagster itself first; code servers then only wait for calls that nobody makes, and get little time."""
        self._process.send_signal(signal.SIGINT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(patience)
        end_group(self._process.pid, patience=min(patience, 2.0))
        self._process.wait()
        shutil.rmtree(self._sockets, ignore_errors=True)
        _record(self._checkout).unlink(missing_ok=True)

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
    """End what a killed `./atoll dev` of this checkout left running; say whether there was anything.

    A group whose leader is dead keeps the leader's number, so nobody else can have it.
    """
    record = read_record(checkout)
    if record is None:
        _record(checkout).unlink(missing_ok=True)
        return False
    pid = int(record["process"].partition(":")[0])
    found = is_alive(record["process"]) or start_time(pid) is None
    if found:
        end_group(pid, patience=PATIENCE)
    shutil.rmtree(record["sockets"], ignore_errors=True)
    _record(checkout).unlink()
    return found


def read_record(checkout: Checkout) -> dict[str, str] | None:
    """Return what a running `./atoll dev` wrote down: `process`, `sockets`, `address`; None where it is not there."""
    try:
        record = json.loads(_record(checkout).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return record if isinstance(record, dict) and {"process", "sockets", "address"} <= record.keys() else None


def _record(checkout: Checkout) -> Path:
    return checkout.state / "dev.json"
