"""MLflow on a server: what it has of a run, whom it answers, and one experiment for those outside and inside."""

import json
import secrets

import pytest

from engine import docker
from runs import materializations, status
from server import Running
from waiting import wait_until

LOCATION = "vehicle_prices"

# Asks MLflow itself by a name, and prints the status of the answer and its beginning.
NAMED = """
import sys, urllib.error, urllib.request
try:
    answer = urllib.request.urlopen(urllib.request.Request("http://mlflow:5000/mlflow/", headers={"Host": sys.argv[1]}))
except urllib.error.HTTPError as error:
    answer = error
print(answer.status, answer.read(200).decode())
"""

# Adds a run to the experiment, and prints what each run of it has measured and said in a file.
CLIENT = """
import json, sys
import mlflow

name, experiment = sys.argv[1:]
mlflow.set_experiment(experiment)
with mlflow.start_run(run_name=name):
    mlflow.log_metric("letters", len(name))
    mlflow.log_text(f"by {name}", "who.txt")
found = mlflow.search_runs(experiment_names=[experiment], output_format="list")
said = {run.info.run_name: mlflow.artifacts.load_text(f"{run.info.artifact_uri}/who.txt") for run in found}
print(json.dumps({run.info.run_name: [run.data.metrics["letters"], said[run.info.run_name]] for run in found}))
"""


@pytest.fixture(scope="module")
def version(server: Running) -> dict[str, str]:
    """The newest version of the project's first model, made by a run of now where there was none."""

    def list_versions() -> list[dict[str, str]]:
        return [
            each for model in server.say("models", LOCATION) if model["name"] == LOCATION for each in model["versions"]
        ]

    if not list_versions():
        server.succeed(server.launch(LOCATION))
    return list_versions()[-1]


@pytest.fixture(scope="module")
def outside(server: Running) -> dict[str, str]:
    """What MLflow's client on a laptop is told, as `docs/operating.md` says."""
    user, password = server.login.split(":")
    return {
        "MLFLOW_TRACKING_URI": f"{server.server.address}/mlflow",
        "MLFLOW_TRACKING_USERNAME": user,
        "MLFLOW_TRACKING_PASSWORD": password,
        "MLFLOW_TRACKING_SERVER_CERT_PATH": str(server.authority),
    }


def test_models_lists_the_version_that_a_run_has_made(server, version):
    run = version["run_id"]
    assert status(server.page, run) == "SUCCESS"
    assert (LOCATION, "model") in materializations(server.page, run)
    assert server.manifest(f"{LOCATION}/model")["data_version"] == version["data_version"]
    shown = server.atoll("models", LOCATION)
    assert shown.code == 0, shown.text
    assert "challenger" in shown.stdout


def test_what_the_run_has_tracked_is_in_mlflow_by_itself(server, version):
    statement = f"select count(*) from tags where key = 'atoll/artefact' and value = '{version['artefact']}'"
    wait_until(lambda: server.query("mlflow", statement) == ["1"], "what was tracked, in MLflow")


def test_the_proxy_answers_to_its_own_name_only(server):
    host = server.server.address.removeprefix("https://")
    assert server.fetch("/mlflow/", server.login, Host=host)[0] == 200
    for foreign in ("evil.example", f"evil.example:{server.server.settings.port}", "mlflow:5000"):
        code, said = server.fetch("/mlflow/", server.login, Host=foreign)
        assert (code, b"MLflow" in said) == (421, False), foreign


@pytest.mark.parametrize("name", ["mlflow:5000", "the address"])
def test_mlflow_itself_answers_to_its_names(server, name):
    host = server.server.address.removeprefix("https://") if name == "the address" else name
    assert docker("exec", server.service("operations"), "python", "-Ic", NAMED, host).startswith("200 ")


@pytest.mark.parametrize("name", ["evil.example", "evil.example:5000"])
def test_mlflow_itself_refuses_a_foreign_name(server, name):
    said = docker("exec", server.service("operations"), "python", "-Ic", NAMED, name)
    assert said.startswith("403 ")
    assert "Invalid Host header" in said


def test_one_experiment_is_written_and_read_through_the_proxy_and_inside_alike(server, outside):
    synced = server.clone.atoll("sync", "operations")
    assert synced.code == 0, synced.text
    python = server.clone.root / "code_locations" / "operations" / ".venv" / "bin" / "python"

    experiment = f"outside and inside {secrets.token_hex(4)}"

    def from_outside(name: str) -> dict[str, list[float | str]]:
        done = server.clone.run(python, "-c", CLIENT, name, experiment, **outside)
        assert done.code == 0, done.text
        return json.loads(done.stdout.splitlines()[-1])

    def from_inside(name: str) -> dict[str, list[float | str]]:
        address = "MLFLOW_TRACKING_URI=http://mlflow:5000/mlflow"
        command = ("python", "-c", CLIENT, name, experiment)
        said = docker("exec", "--env", address, server.service("operations"), *command)
        return next(json.loads(line) for line in said.splitlines() if line.startswith("{"))

    expected = {"laptop": [6.0, "by laptop"]}
    assert from_outside("laptop") == expected
    expected |= {"container": [9.0, "by container"]}
    assert from_inside("container") == expected
    expected |= {"again": [5.0, "by again"]}
    assert from_outside("again") == expected
