"""What projects track, and how their runs end, in a real MLflow server."""

import itertools
import os
import signal
import subprocess
import sys
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path

import dagster as dg
import mlflow
import pandas as pd
import pytest
from mlflow.tracking import MlflowClient
from mlflow_server import Server

from atoll import settings
from atoll.io_manager import StoreIOManager
from atoll.promotion.registry import Decision, Registry
from atoll.promotion.registry import list_pending as list_unmirrored
from atoll.storage.journal import Journal
from atoll.storage.store import Slot, Store
from atoll.tracking.records import Record, add_record, list_pending
from operations.defs.tracking import tracking
from operations.tracking import mirror_pending, record_ends, send_pending

WEEKS = dg.StaticPartitionsDefinition(["first", "second"])
MOMENT = datetime(2013, 3, 17, tzinfo=timezone.utc)
FAULTS: dict[str, Exception | str] = {}


class Half:
    """A model."""

    feature_names_in_ = ("hours",)

    def predict(self, table):
        return table["hours"] / 2


@dg.asset(key_prefix="toy", partitions_def=WEEKS)
def hours():
    return pd.DataFrame({"hours": [1.0, 2.0, 3.0], "late": [True, False, True]})


@dg.asset(key_prefix="toy", partitions_def=WEEKS, kinds={"mlflow"}, retry_policy=dg.RetryPolicy(max_retries=1))
def model(context, hours):
    fault = FAULTS.pop(context.partition_key, None)
    if fault == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    if fault:
        raise fault
    return dg.MaterializeResult(value=Half(), metadata={"metric/auc": 0.75, "metric/auc (low)": 0.7})


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    with Server(tmp_path_factory.mktemp("mlflow")) as server:
        yield server


@pytest.fixture(autouse=True)
def tracking_settings(tmp_path, monkeypatch, server):
    FAULTS.clear()
    monkeypatch.setenv("ATOLL_STORE", str(tmp_path / "store"))
    monkeypatch.setenv("ATOLL_TRACKING", server.address)
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    settings.cache_clear()
    yield
    settings.cache_clear()


@pytest.fixture
def client(server):
    client = MlflowClient(server.address)
    yield client
    for experiment in client.search_experiments():
        for run in client.search_runs([experiment.experiment_id]):
            client.delete_run(run.info.run_id)


def run(instance, partition="first"):
    manager = StoreIOManager(tracked=["toy/model"])
    return dg.materialize(
        [hours, model],
        partition_key=partition,
        resources={"io_manager": manager},
        instance=instance,
        raise_on_error=False,
    )


def look(instance, cursor=None):
    """Have the sensor look once; returns what it says and its cursor."""
    context = dg.build_sensor_context(instance=instance, cursor=cursor)
    data = tracking.evaluate_tick(context)
    return data.skip_message, data.cursor


def runs(client):
    """The runs in MLflow by name."""
    experiment = client.get_experiment_by_name("toy")
    return {run.info.run_name: run for run in client.search_runs([experiment.experiment_id])}


def test_a_materialization_is_an_mlflow_run_below_that_of_its_dagster_run(instance, client):
    result = run(instance)
    assert look(instance)[0] == "2 records were sent."
    found = runs(client)
    parent, child = found[f"Dagster run {result.run_id[:8]} first"], found["model first"]
    assert {run.info.status for run in found.values()} == {"FINISHED"}
    assert child.data.tags["mlflow.parentRunId"] == parent.info.run_id
    assert child.data.tags["dagster/run_id"] == parent.data.tags["dagster/run_id"] == result.run_id
    assert child.data.tags["dagster/partition"] == "first"
    assert child.data.metrics == {"auc": 0.75, "auc _low_": 0.7}
    assert [entry.dataset.name for entry in child.inputs.dataset_inputs] == ["toy/hours first"]
    assert f"http://127.0.0.1:3000/runs/{result.run_id}" in child.data.tags["mlflow.note.content"]


def test_the_model_is_loaded_by_mlflow_from_its_run(instance, client, server, monkeypatch):
    run(instance)
    look(instance)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", server.address)
    mlflow.set_tracking_uri(server.address)
    loaded = mlflow.pyfunc.load_model(f"runs:/{runs(client)['model first'].info.run_id}/model")
    assert list(loaded.predict(pd.DataFrame({"hours": [4.0]}))) == [2.0]


@pytest.mark.parametrize("page", [None, "https://atoll.example/mlflow"])
def test_the_asset_has_a_link_to_its_mlflow_run_where_people_reach_it(instance, client, server, page, monkeypatch):
    if page:
        monkeypatch.setenv("ATOLL_TRACKING_PAGE", page)
        settings.cache_clear()
    run(instance)
    look(instance)
    (seen,) = instance.fetch_observations(model.key, limit=10).records
    (experiment, run_id) = (runs(client)["model first"].info.experiment_id, runs(client)["model first"].info.run_id)
    address = f"{page or server.address}/#/experiments/{experiment}/runs/{run_id}"
    assert seen.asset_observation.metadata["MLflow run"].value == address
    assert seen.asset_observation.partition == "first"


def test_what_is_sent_twice_arrives_once(instance, client):
    run(instance)
    journal = Journal(settings().store)
    record_ends(instance, journal, datetime.fromtimestamp(0, timezone.utc))
    records = list(list_pending(journal))
    look(instance)
    before = {name: run.to_dictionary() for name, run in runs(client).items()}
    for record in records:
        add_record(journal, record)
    assert look(instance)[0] == "2 records were sent."
    assert {name: run.to_dictionary() for name, run in runs(client).items()} == before


def test_attempts_that_made_nothing_are_there_with_their_error(instance, client):
    FAULTS["first"] = ValueError("no hours")
    run(instance)
    FAULTS["second"] = dg.Failure("no second week", allow_retries=False)
    run(instance, "second")
    look(instance)
    tracked = [run for run in runs_of(client, "model first") + runs_of(client, "model second")]
    states = {(run.data.tags["dagster/partition"], run.data.tags["dagster/retry"]): run for run in tracked}
    assert {place: run.info.status for place, run in states.items()} == {
        ("first", "0"): "FAILED",
        ("first", "1"): "FINISHED",
        ("second", "0"): "FAILED",
    }
    assert states["first", "0"].data.tags["atoll/error"] == "ValueError: no hours"
    assert "no second week" in states["second", "0"].data.tags["atoll/error"]


def runs_of(client, name):
    experiment = client.get_experiment_by_name("toy")
    return client.search_runs([experiment.experiment_id], f"attributes.run_name = '{name}'")


KILL = """
from conftest import open_instance
from test_tracking import FAULTS, run
FAULTS["first"] = "kill"
with open_instance({folder!r}) as instance:
    run(instance)
"""


@pytest.mark.parametrize("how", ["canceled", "failed"])
def test_a_run_whose_process_was_killed_is_ended(instance, folder, client, how):
    tests = Path(__file__).parent
    killed = subprocess.run([sys.executable, "-c", KILL.format(folder=str(folder))], cwd=tests)
    assert killed.returncode == -signal.SIGKILL
    (left,) = instance.get_runs()
    report = instance.report_run_canceled if how == "canceled" else instance.report_run_failed
    report(left, "Its process is gone.")
    look(instance)
    states = {name.split()[0]: run.info.status for name, run in runs(client).items()}
    assert states == {"model": "KILLED", "Dagster": "KILLED" if how == "canceled" else "FAILED"}


def test_while_mlflow_is_down_runs_go_on_and_nothing_is_lost(instance, client, server):
    server.stop()
    try:
        assert run(instance).success
        said, cursor = look(instance)
        assert said.startswith(
            "0 records were sent.\nWhat was tracked is not in MLflow yet. MLflow does not answer at "
        )
        assert said.endswith("Nothing is lost: it is sent as soon as MLflow answers.")
        assert len(list(list_pending(Journal(settings().store)))) == 2
    finally:
        server.start()
    assert look(instance, cursor)[0] == "2 records were sent."
    assert runs(client)["model first"].info.status == "FINISHED"


def test_what_was_sent_without_a_server_is_there_when_one_starts(instance, tmp_path, monkeypatch):
    monkeypatch.setenv("ATOLL_TRACKING", f"sqlite:///{tmp_path / 'mlflow.db'}")
    settings.cache_clear()
    run(instance)
    # A look has its time, and the first one makes the database.
    for _ in range(5):
        look(instance)
    assert list(list_pending(Journal(settings().store))) == []
    with Server(tmp_path) as late:
        found = runs(MlflowClient(late.address))
        mlflow.set_tracking_uri(late.address)
        loaded = mlflow.pyfunc.load_model(f"runs:/{found['model first'].info.run_id}/model")
    assert {run.info.status for run in found.values()} == {"FINISHED"}
    assert list(loaded.predict(pd.DataFrame({"hours": [4.0]}))) == [2.0]


def test_a_record_that_mlflow_refuses_does_not_keep_others_from_arriving(instance, client):
    run(instance)
    journal = Journal(settings().store)
    moment = datetime(2013, 3, 17, tzinfo=timezone.utc)
    add_record(
        journal, Record("toy/model", None, "sample", "FINISHED", moment, moment, parameters={"x": "1", "x ": "2"})
    )
    refused = Record("t" * 600 + "/model", None, "sample", "FINISHED", moment, moment)
    add_record(journal, refused)
    said, _ = look(instance)
    assert said.startswith("3 records were sent.\n")
    assert refused.asset in said
    assert [record.id for record in list_pending(journal)] == [refused.id]


def test_a_look_with_nothing_pending_does_not_import_mlflow():
    script = "import operations.defs.tracking, operations.tracking, sys; print('mlflow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], capture_output=True, text=True).stdout == "False\n"


def test_the_registry_is_mirrored_with_versions_aliases_and_reasons(instance, client, server, monkeypatch):
    monkeypatch.setenv("ATOLL_PROFILE", "full")
    settings.cache_clear()
    journal = Journal(settings().store)
    known = Registry(journal, "full", "toy")
    judge(instance, known, "first", promoted=True)
    assert "MLflow knows the versions of toy." in look(instance)[0]
    judge(instance, known, "second", promoted=False)
    said, cursor = look(instance)
    assert "MLflow knows the versions of toy." in said
    found = client.get_registered_model("toy")
    assert {name: str(number) for name, number in found.aliases.items()} == {"champion": "1", "challenger": "2"}
    second = client.get_model_version("toy", "2")
    assert second.tags["decision"] == "refused"
    assert second.tags["decision/reason"] == "refused it is"
    assert second.tags["dagster/partition"] == "second"
    assert client.get_run(second.run_id).data.tags["dagster/partition"] == "second"
    mlflow.set_tracking_uri(server.address)
    loaded = mlflow.pyfunc.load_model("models:/toy@champion")
    assert list(loaded.predict(pd.DataFrame({"hours": [4.0]}))) == [2.0]
    assert look(instance, cursor)[0] == "0 records were sent."
    known.decide(Decision(0, "rolled back", MOMENT, "second", 2, 1, 2, "by hand"))
    look(instance, cursor)
    assert str(client.get_registered_model("toy").aliases["champion"]) == "2"
    assert len(client.search_model_versions("name = 'toy'")) == 2


def judge(instance, known, partition, *, promoted):
    """Make a model, and decide about it."""
    run(instance, partition)
    artefact = Store(settings().store).get(Slot("full", ("toy", "model"), partition))
    manifest = replace(artefact.manifest, data_version=partition)
    version, before = known.register(artefact.folder, manifest), known.champion()
    stays = before and before.number
    outcome, champion = ("promoted", version.number) if promoted else ("refused", stays)
    known.decide(Decision(0, outcome, MOMENT, partition, version.number, stays, champion, f"{outcome} it is"))


def test_what_mlflow_has_lost_is_sent_again_and_its_aliases_follow(instance, client, monkeypatch):
    monkeypatch.setenv("ATOLL_PROFILE", "full")
    settings.cache_clear()
    known = Registry(Journal(settings().store), "full", "toy.lost")
    judge(instance, known, "first", promoted=True)
    _, cursor = look(instance)
    client.delete_registered_model("toy.lost")
    for lost in runs(client).values():
        client.delete_run(lost.info.run_id)
    judge(instance, known, "second", promoted=True)
    wait = "MLflow's aliases of toy.lost wait for version 1, whose model is still to be sent."
    said, cursor = look(instance, cursor)
    assert said == f"2 records were sent.\n{wait}"
    said, cursor = look(instance, cursor)
    assert said == "2 records were sent.\nMLflow knows the versions of toy.lost."
    assert client.get_registered_model("toy.lost").aliases == {"champion": "2", "challenger": "2"}
    states = sorted((name.split()[-1], run.info.status) for name, run in runs(client).items())
    assert states == [("first", "FINISHED")] * 2 + [("second", "FINISHED")] * 2


def test_a_version_whose_model_was_never_tracked_is_named(instance, client):
    known = Registry(Journal(settings().store), "full", "toy.untracked")
    run(instance)
    artefact = Store(settings().store).get(Slot("sample", ("toy", "model"), "first"))
    version = known.register("full/toy/model/elsewhere", artefact.manifest)
    known.decide(Decision(0, "promoted", MOMENT, "first", version.number, None, version.number, "promoted it is"))
    wait = "MLflow's aliases of toy.untracked wait for version 1, whose model was never tracked."
    assert look(instance)[0].endswith(wait)


WRITES = (
    "create_run",
    "log_batch",
    "log_inputs",
    "log_artifacts",
    "set_terminated",
    "create_registered_model",
    "create_model_version",
    "set_registered_model_alias",
)


def send_and_die(instance, monkeypatch, moment):
    """Send and mirror in a process that is killed before its write of this number; say whether it was."""
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
    calls = itertools.count()

    def watch(write):
        def watched(*arguments, **options):
            if next(calls) == moment:
                os.kill(os.getpid(), signal.SIGKILL)
            return write(*arguments, **options)

        return watched

    for name in WRITES:
        monkeypatch.setattr(MlflowClient, name, watch(getattr(MlflowClient, name)))
    send_all(instance)
    os._exit(0)


def send_all(instance):
    journal = Journal(settings().store)
    assert [delivery.refusal for delivery in send_pending(instance, journal, 60) if delivery.refusal] == []
    list(mirror_pending(journal))


def test_killed_before_any_write_and_started_again_mlflow_knows_the_same(instance, client, monkeypatch):
    monkeypatch.setenv("ATOLL_PROFILE", "full")
    settings.cache_clear()
    journal, moment = Journal(settings().store), datetime(2013, 3, 17, tzinfo=timezone.utc)
    run(instance)
    record_ends(instance, journal, moment)
    records = list(list_pending(journal))
    send_all(instance)
    artefact = Store(settings().store).get(Slot("full", ("toy", "model"), "first"))
    for kill in range(50):
        run_id, known = f"run {kill}", Registry(journal, "full", f"toy.{kill}")
        for record in records:
            add_record(journal, replace(record, run_id=run_id))
        version = known.register(artefact.folder, artefact.manifest)
        known.decide(Decision(0, "promoted", moment, "first", version.number, None, version.number, "promoted it is"))
        killed = send_and_die(instance, monkeypatch, kill)
        send_all(instance)
        experiment = client.get_experiment_by_name("toy").experiment_id
        found = client.search_runs([experiment], f"tags.`dagster/run_id` = '{run_id}'")
        assert {entry.info.run_name.split()[0]: entry.info.status for entry in found} == dict.fromkeys(
            ("Dagster", "model"), "FINISHED"
        ), kill
        assert len(found) == 2, kill
        (registered,) = client.search_model_versions(f"name = '{known.name}'")
        assert registered.tags["decision"] == "promoted", kill
        assert client.get_registered_model(known.name).aliases == {"champion": "1", "challenger": "1"}, kill
        assert (list(list_pending(journal)), list_unmirrored(journal)) == ([], {}), kill
        if not killed:
            break
    assert kill > 8
