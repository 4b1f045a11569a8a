import json
import os
import signal
import socket
import sys
import time

import pytest

from atoll_control import mlflow
from atoll_control.errors import UserError
from atoll_control.files import Checkout
from atoll_control.mlflow import (
    MlflowServer,
    explain_end,
    find_tracking,
    running_address,
    server_command,
    server_environment,
)

# In place of the environment's interpreter: it counts its starts, and answers at the port that it is given.
ANSWERING = """
import http.server, pathlib, sys

class Health(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"OK")

with open("starts", "a") as starts:
    starts.write("x")
http.server.HTTPServer(("127.0.0.1", int(sys.argv[sys.argv.index("--port") + 1])), Health).serve_forever()
"""

ENDING = """
with open("starts", "a") as starts:
    starts.write("x")
raise RuntimeError("not today")
"""


class Told:
    """What a server lets those hear who look after it."""

    def __init__(self) -> None:
        self.ready = 0
        self.problems: list[UserError] = []

    def up(self) -> None:
        self.ready += 1


def start(checkout: Checkout, program: str | None, told: Told) -> MlflowServer:
    python = mlflow.mlflow_service(checkout).python
    if program is not None:
        python.parent.mkdir(parents=True)
        python.write_text(f"#!{sys.executable}\n{program}")
        python.chmod(0o755)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    return MlflowServer(checkout, port, told.up, told.problems.append)


def look_until(server: MlflowServer, told: Told, *, ready: int = 0, problems: int = 0) -> None:
    deadline = time.monotonic() + 60
    while told.ready < ready or len(told.problems) < problems:
        assert time.monotonic() < deadline
        server.look()
        time.sleep(0.05)


def kill(checkout: Checkout) -> None:
    record = json.loads((checkout.state / "mlflow.json").read_text())
    os.kill(int(record["process"].partition(":")[0]), signal.SIGKILL)


def starts(checkout: Checkout) -> int:
    return len((checkout.mlflow / "starts").read_text())


def test_a_server_that_answers_is_told_of_once_and_nothing_is_left_of_it(checkout):
    told = Told()
    server = start(checkout, ANSWERING, told)
    look_until(server, told, ready=1)
    server.look()
    assert running_address(checkout) == server.address
    server.stop()
    assert running_address(checkout) is None
    assert not (checkout.state / "mlflow.json").exists()
    assert (told.ready, told.problems) == (1, [])


def test_a_killed_server_is_started_again_until_its_pauses_are_used_up(checkout, monkeypatch):
    monkeypatch.setattr(mlflow, "PAUSES", (0.0, 0.0))
    told = Told()
    server = start(checkout, ANSWERING, told)
    for times in (1, 2, 3):
        look_until(server, told, ready=times)
        kill(checkout)
        look_until(server, told, problems=times)
    server.look()
    assert starts(checkout) == 3
    assert {problem.why for problem in told.problems} == {"signal 9 ended it."}
    assert told.problems[0].how.startswith("nothing: it is started again in 0 s")
    assert told.problems[2].how.startswith("read .atoll/logs/mlflow.log")
    server.stop()


def test_one_that_ran_steadily_begins_with_the_first_pause_again(checkout, monkeypatch):
    monkeypatch.setattr(mlflow, "PAUSES", (0.0,))
    monkeypatch.setattr(mlflow, "STEADY", 0.0)
    told = Told()
    server = start(checkout, ANSWERING, told)
    for times in (1, 2, 3):
        look_until(server, told, ready=times)
        kill(checkout)
        look_until(server, told, problems=times)
    look_until(server, told, ready=4)
    server.stop()
    assert starts(checkout) == 4


def test_one_that_never_answered_is_not_started_again(checkout, monkeypatch):
    monkeypatch.setattr(mlflow, "PAUSES", (0.0,))
    told = Told()
    server = start(checkout, ENDING, told)
    look_until(server, told, problems=1)
    server.look()
    server.stop()
    assert starts(checkout) == 1
    (problem,) = told.problems
    assert problem.what == "MLflow's server ended by itself."
    assert problem.why == "it ended with 1. RuntimeError: not today"
    assert problem.how == "read .atoll/logs/mlflow.log and mend that; then end ./atoll dev and start it again"


def test_an_environment_without_an_interpreter_raises_nothing(checkout):
    told = Told()
    server = start(checkout, None, told)
    server.look()
    server.stop()
    (problem,) = told.problems
    assert problem.what == "MLflow's server does not start."
    assert "No such file or directory (errno 2)." in problem.why


def test_a_state_that_cannot_be_written_raises_nothing(checkout):
    checkout.state.mkdir()
    checkout.mlflow.touch()
    told = Told()
    start(checkout, ENDING, told).stop()
    (problem,) = told.problems
    assert problem.why == f"{checkout.mlflow}/artifacts: Not a directory (errno 20)."


def test_what_it_keeps_has_absolute_paths(checkout):
    command = [str(part) for part in server_command(checkout, 5001)]
    folder = checkout.root / ".atoll" / "mlflow"
    assert command[command.index("--backend-store-uri") + 1] == f"sqlite:///{folder}/mlflow.db"
    assert command[command.index("--default-artifact-root") + 1] == f"{folder}/artifacts"
    assert command[command.index("--allowed-hosts") + 1] == "127.0.0.1:5001,localhost:5001"


def test_what_a_person_set_for_an_mlflow_of_his_own_does_not_reach_it(monkeypatch):
    monkeypatch.setenv("MLFLOW_SERVER_DISABLE_SECURITY_MIDDLEWARE", "true")
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "false")
    environment = server_environment()
    assert "MLFLOW_SERVER_DISABLE_SECURITY_MIDDLEWARE" not in environment
    assert environment["MLFLOW_DISABLE_TELEMETRY"] == "true"


def test_an_older_database_is_explained_with_the_command_that_upgrades_it(tmp_path):
    checkout = Checkout(tmp_path / "a clone")
    said = (
        "ERROR mlflow.cli: Detected out-of-date database schema (found version cc1f, but expected dc11). Take a backup "
        "of your database, then run 'mlflow db upgrade <database_uri>'\nmlflow.exceptions.MlflowException: Detected"
    )
    problem = explain_end(checkout, 5000, 1, said, None)
    assert problem.what == "MLflow's server does not start."
    assert problem.why == (
        ".atoll/mlflow/mlflow.db is of another version of MLflow: found version cc1f, but expected dc11."
    )
    assert problem.how == (
        "end ./atoll dev, keep a copy of that file, then: deploy/mlflow/.venv/bin/python -m mlflow db upgrade "
        f"'sqlite:///{tmp_path}/a clone/.atoll/mlflow/mlflow.db' && ./atoll dev"
    )


@pytest.mark.parametrize("reason", ["file is not a database", "database disk image is malformed"])
def test_a_damaged_database_is_named(checkout, reason):
    said = f"sqlalchemy.exc.DatabaseError: (sqlite3.DatabaseError) {reason}\n[SQL: SELECT name]\n"
    problem = explain_end(checkout, 5000, 1, said, None)
    assert problem.why == f".atoll/mlflow/mlflow.db is damaged: {reason}."


def test_a_port_that_another_program_took_meanwhile_is_named(checkout):
    said = (
        "ERROR:    [Errno 98] error while attempting to bind on address ('127.0.0.1', 5000): address already in use\n"
    )
    problem = explain_end(checkout, 5000, 0, said, None)
    assert problem.what == "port 5000 is in use."
    assert problem.how.startswith("./atoll dev --mlflow-port ")


def test_a_setting_names_another_mlflow_and_is_told_without_its_password(tmp_path, monkeypatch):
    checkout = Checkout(tmp_path)
    monkeypatch.delenv("ATOLL_TRACKING", raising=False)
    assert find_tracking(checkout) is None
    (tmp_path / "atoll.toml").write_text('tracking = "https://ada:hunter2@mlflow.example.org"')
    assert find_tracking(checkout) == "https://mlflow.example.org"
    monkeypatch.setenv("ATOLL_TRACKING", "http://127.0.0.1:5001")
    assert find_tracking(checkout) == "http://127.0.0.1:5001"
    monkeypatch.delenv("ATOLL_TRACKING")
    (tmp_path / "atoll.toml").write_text("tracking = ")
    assert find_tracking(checkout) is None
