"""`./atoll dev` in a clone: started, waited for, interrupted; and the processes that belong to a clone."""

import json
import os
import signal
import socket
import subprocess
import tempfile
from pathlib import Path
from types import TracebackType

from atoll_control.graphql import Page
from clone import Clone
from waiting import LIMIT, wait_until


class Dev:
    """The real `./atoll dev` at free ports, in a session of its own, as in a terminal of its own."""

    def __init__(self, clone: Clone, mlflow_port: int | None = None, /, **environment: str) -> None:
        self.clone = clone
        self.port = find_free_port()
        self.page = Page.local(self.port)
        self.mlflow_port = mlflow_port or find_free_port()
        self._output = tempfile.NamedTemporaryFile(prefix="atoll-dev-")
        self.process = subprocess.Popen(
            ["./atoll", "dev", "--port", str(self.port), "--mlflow-port", str(self.mlflow_port)],
            cwd=clone.root,
            env=clone.environment | environment,
            stdin=subprocess.DEVNULL,
            stdout=self._output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            wait_until(self._is_up, "the address of the page")
        except BaseException:
            self.interrupt()
            raise
        record = json.loads((clone.root / ".atoll" / "dev.json").read_text())
        self.group = int(record["process"].partition(":")[0])
        self.sockets = Path(record["sockets"])

    @property
    def text(self) -> str:
        return Path(self._output.name).read_text()

    def _is_up(self) -> bool:
        assert self.process.poll() is None, f"./atoll dev ended with {self.process.returncode}:\n{self.text}"
        return f"page   {self.page.address}" in self.text

    def interrupt(self) -> int:
        """Press Ctrl-C, as the terminal does: every process of its foreground group gets it."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGINT)
        return self.process.wait(LIMIT)

    def kill(self) -> None:
        """Kill the command itself with -9; what it started lives on."""
        self.process.kill()
        self.process.wait()

    def __enter__(self) -> "Dev":
        return self

    def __exit__(self, _: type | None, __: BaseException | None, ___: TracebackType | None) -> None:
        self.interrupt()


class Terminal:
    """Where `./atoll dev` of a clone is started and ended, by turns: a checkout has one platform at a time."""

    def __init__(self, clone: Clone) -> None:
        self.clone = clone
        self._dev: Dev | None = None

    def running(self) -> Dev:
        """Return the running platform, started when there is none."""
        if self._dev is None or self._dev.process.poll() is not None:
            self._dev = Dev(self.clone)
        return self._dev

    def idle(self) -> Clone:
        """Return the clone with no platform running in it."""
        if self._dev is not None:
            self._dev.interrupt()
        return self.clone


def find_free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def mlflow_group(dev: Dev) -> int:
    """Wait until MLflow's server answers, and return its process group."""
    said = f"mlflow http://127.0.0.1:{dev.mlflow_port}"
    wait_until(lambda: said in dev.text, "MLflow's address")
    return int(json.loads((dev.clone.root / ".atoll" / "mlflow.json").read_text())["process"].partition(":")[0])


def processes_of(clone: Clone) -> dict[int, str]:
    """Return the command lines, by pid, of living processes whose command line or environment names the clone."""
    mark = os.fsencode(clone.root)
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            command, environment = (folder / "cmdline").read_bytes(), (folder / "environ").read_bytes()
        except (FileNotFoundError, ProcessLookupError, PermissionError):
            continue
        if mark in command or mark in environment:
            found[int(folder.name)] = command.replace(b"\0", b" ").decode(errors="replace").strip()
    return found
