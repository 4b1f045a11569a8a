"""MLflow's server as a child of `dev`: beside Dagster, started again when it is killed, never in the way."""

import contextlib
import http.client
import os
import re
import shlex
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

import tomllib

from atoll_control import child
from atoll_control.child import Child, last_error
from atoll_control.errors import UserError
from atoll_control.files import Checkout
from atoll_control.process import clean_environment, is_alive, port_in_use
from atoll_control.services import Service

PATIENCE = 5.0

# Seconds before each new start; one that answered for STEADY seconds begins with the first pause again.
PAUSES = (1.0, 2.0, 5.0, 15.0, 60.0)
STEADY = 60.0

# Pages, code servers and runs go first.
NICENESS = 10


def mlflow_service(checkout: Checkout) -> Service:
    """Return the service with MLflow's environment."""
    return Service("mlflow", checkout.deploy / "mlflow")


def find_tracking(checkout: Checkout) -> str | None:
    """Return which MLflow the setting `tracking` names, without user and password; None where it names none."""
    given = os.environ.get("ATOLL_TRACKING")
    if not given:
        # What is wrong in the file is explained by the library, where settings are read.
        with contextlib.suppress(OSError, tomllib.TOMLDecodeError):
            given = tomllib.loads((checkout.root / "atoll.toml").read_text(encoding="utf-8")).get("tracking")
    return re.sub(r"//[^/@]*@", "//", str(given)) if given else None


class MlflowServer:
    """One `mlflow server` over the checkout's embedded store, on 127.0.0.1 only.

    Nothing that happens to it is raised: `ready` hears that it answers, `failed` that it does not start or has ended.
    """

    def __init__(
        self, checkout: Checkout, port: int, ready: Callable[[], None], failed: Callable[[UserError], None]
    ) -> None:
        self.address = f"http://127.0.0.1:{port}"
        self._checkout, self._port, self._ready, self._failed = checkout, port, ready, failed
        self._child: Child | None = None
        self._answers_since: float | None = None
        self._due: float | None = None
        # How often it was started again in a row; None before it has ever answered.
        self._restarts: int | None = None
        checkout.mlflow_log.unlink(missing_ok=True)
        self._start()

    def look(self) -> None:
        """Hear how it is, and start it again when it is time; to be called every now and then."""
        if self._child is None:
            if self._due is not None and time.monotonic() >= self._due:
                self._start()
        elif (code := self._child.exit_code()) is not None:
            self._bury(self._child, code)
        elif self._answers_since is None and answers(self.address):
            self._answers_since = time.monotonic()
            self._restarts = self._restarts or 0
            self._ready()

    def interrupt(self) -> None:
        """Let it begin to end while others do; `stop` waits for it."""
        if self._child is not None:
            self._child.interrupt()

    def stop(self) -> None:
        """End it; nothing that was started here is left."""
        self._end(PATIENCE)

    def kill(self) -> None:
        """End it at once."""
        self._end(0)

    def _start(self) -> None:
        self._answers_since = self._due = None
        folder = self._checkout.mlflow
        try:
            (folder / "artifacts").mkdir(parents=True, exist_ok=True)
            self._child = Child(
                server_command(self._checkout, self._port),
                cwd=folder,
                env=server_environment(),
                log=self._checkout.mlflow_log,
                record=_record(self._checkout),
                niceness=NICENESS,
                address=self.address,
            )
        except UserError as problem:
            self._failed(problem)
        except OSError as error:
            why = f"{error.filename}: {error.strerror} (errno {error.errno})."
            self._failed(UserError("MLflow's server does not start.", why, "./atoll doctor"))

    def _bury(self, dead: Child, code: int) -> None:
        """Tell what it died of; one that has answered is started again after a pause."""
        self._child = None
        # What it started may live on, at its port.
        dead.end(PATIENCE)
        if self._answers_since is not None and time.monotonic() - self._answers_since >= STEADY:
            self._restarts = 0
        pause = None
        if self._restarts is not None and self._restarts < len(PAUSES):
            pause = PAUSES[self._restarts]
            self._due = time.monotonic() + pause
            self._restarts += 1
        self._failed(explain_end(self._checkout, self._port, code, dead.said(), pause))

    def _end(self, patience: float) -> None:
        self._due = None
        if self._child is not None:
            self._child.end(patience)


def server_command(checkout: Checkout, port: int) -> list[str | Path]:
    """Return the command line of the server; what it keeps has absolute paths."""
    return [
        *(mlflow_service(checkout).python, "-m", "mlflow", "server"),
        *("--host", "127.0.0.1", "--port", str(port), "--workers", "1"),
        # Any other name in a request is that of a page which wants to read from here.
        *("--allowed-hosts", f"127.0.0.1:{port},localhost:{port}"),
        *("--backend-store-uri", store_uri(checkout)),
        # Served ones would have locations that nobody can open without the server.
        *("--default-artifact-root", checkout.mlflow / "artifacts", "--no-serve-artifacts"),
    ]


def server_environment() -> dict[str, str]:
    """Return an environment in which the command line alone decides, and from which nothing is sent anywhere.

    Job execution, for language models, is eight more processes, one of which outlives an interrupted server.
    """
    kept = {name: value for name, value in clean_environment().items() if not name.startswith(("MLFLOW_", "_MLFLOW_"))}
    return kept | {
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "MLFLOW_ENABLE_AI_GATEWAY": "false",
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
    }


def store_uri(checkout: Checkout) -> str:
    """Return where runs and models are kept: what the library's setting `tracking` is by default."""
    return f"sqlite:///{checkout.mlflow / 'mlflow.db'}"


def answers(address: str) -> bool:
    """Say whether a server says at this address that it is well."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(f"{address}/health", timeout=1) as response:
            return response.read() == b"OK"
    except (OSError, http.client.HTTPException):
        return False


def explain_end(checkout: Checkout, port: int, code: int, said: str, pause: float | None) -> UserError:
    """Explain why the server ended, by its exit code and what it printed; after `pause` it is started again, if any."""
    database = (checkout.mlflow / "mlflow.db").relative_to(checkout.root)
    log = checkout.mlflow_log.relative_to(checkout.root)
    if "address already in use" in said:
        return port_in_use(port, "--mlflow-port")
    if schema := re.search(r"out-of-date database schema \((.+?)\)", said):
        python = mlflow_service(checkout).python.relative_to(checkout.root)
        upgrade = f"{python} -m mlflow db upgrade {shlex.quote(store_uri(checkout))}"
        return UserError(
            "MLflow's server does not start.",
            f"{database} is of another version of MLflow: {schema[1]}.",
            f"end ./atoll dev, keep a copy of that file, then: {upgrade} && ./atoll dev",
        )
    if damage := re.search(r"\(sqlite3\.DatabaseError\) (.+)", said):
        return UserError(
            "MLflow's server does not start.",
            f"{database} is damaged: {damage[1]}.",
            f"end ./atoll dev, then: mv {database} {database}.damaged && ./atoll dev",
        )
    if code < 0:
        why = f"signal {-code} ended it."
    else:
        why = f"it ended with {code}. {last_error(said) or 'Its log has no error.'}"
    if pause is None:
        how = f"read {log} and mend that; then end ./atoll dev and start it again"
    else:
        how = f"nothing: it is started again in {pause:.0f} s (if it does not stay, read {log})"
    return UserError("MLflow's server ended by itself.", why, how)


def end_leftover(checkout: Checkout) -> bool:
    """End what a killed `./atoll dev` of this checkout left of MLflow; say whether there was anything."""
    return child.end_leftover(_record(checkout), PATIENCE)


def running_address(checkout: Checkout) -> str | None:
    """Return where the server of a running `./atoll dev` is, or will be in a moment; None where there is none."""
    record = child.read_record(_record(checkout), "address")
    return record["address"] if record and is_alive(record["process"]) else None


def _record(checkout: Checkout) -> Path:
    return checkout.state / "mlflow.json"
