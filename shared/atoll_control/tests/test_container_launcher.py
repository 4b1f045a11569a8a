import sys
from pathlib import Path

import pytest
from dagster import DagsterEvent, DagsterEventType, DagsterInstance, DagsterRun, DagsterRunStatus
from dagster._core.code_pointer import ModuleCodePointer
from dagster._core.origin import JobPythonOrigin, RepositoryPythonOrigin
from dagster._core.remote_origin import GrpcServerCodeLocationOrigin, RemoteJobOrigin, RemoteRepositoryOrigin
from dagster._daemon.run_coordinator.queued_run_coordinator_daemon import QueuedRunCoordinatorDaemon

from atoll_control.container_launcher import EngineUnreachable, explain_state

INSTANCE = """
run_launcher: {module: atoll_control.container_launcher, class: ContainerRunLauncher}
run_coordinator:
  module: dagster._core.run_coordinator
  class: QueuedRunCoordinator
  config: {max_user_code_failure_retries: 1, user_code_failure_retry_delay: 10}
telemetry: {enabled: false}
"""


@pytest.fixture
def instance(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """An instance on a machine where no container engine answers."""
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/nothing.sock")
    (tmp_path / "dagster.yaml").write_text(INSTANCE)
    with DagsterInstance.from_config(str(tmp_path)) as instance:
        yield instance


def add_run(instance: DagsterInstance, status: DagsterRunStatus, **tags: str) -> DagsterRun:
    pointer = ModuleCodePointer("trials", "defs")
    origin = RepositoryPythonOrigin(sys.executable, pointer, "127.0.0.1:5005/trials:1", container_context={})
    job = JobPythonOrigin("job", origin)
    location = GrpcServerCodeLocationOrigin(host="localhost", socket="nothing.sock", location_name="trials")
    remote = RemoteJobOrigin(RemoteRepositoryOrigin(location, "repository"), "job")
    return instance.add_run(
        DagsterRun(job_name="job", status=status, job_code_origin=job, remote_job_origin=remote, tags=tags)
    )


def dequeue(instance: DagsterInstance, run: DagsterRun) -> DagsterRun:
    daemon = QueuedRunCoordinatorDaemon(interval_seconds=1)
    daemon._dequeue_run(instance, None, run, instance.get_concurrency_config(), None)  # ty: ignore[invalid-argument-type]
    found = instance.get_run_by_id(run.run_id)
    assert found is not None
    return found


def test_a_run_that_meets_no_engine_is_queued_again_and_fails_in_the_end(instance):
    run = add_run(instance, DagsterRunStatus.NOT_STARTED)
    instance.report_dagster_event(DagsterEvent.job_enqueue(run), run.run_id)
    assert dequeue(instance, run).status == DagsterRunStatus.QUEUED
    assert dequeue(instance, run).status == DagsterRunStatus.FAILURE
    events = instance.all_logs(run.run_id, of_type=DagsterEventType.ENGINE_EVENT)
    errors = [event.dagster_event.engine_event_data.error for event in events if event.dagster_event]
    assert all("the container engine does not answer" in error.message for error in errors if error)
    assert any(errors)


def test_a_started_run_has_not_failed_because_the_engine_does_not_answer(instance):
    run = add_run(instance, DagsterRunStatus.STARTED, **{"docker/container_id": "a" * 64})
    with pytest.raises(EngineUnreachable, match="the container engine does not answer"):
        instance.run_launcher.check_run_worker_health(run)


def state(status: str, code: int = 0, memory: int = 0, **more: object) -> dict:
    running = status == "running"
    return {
        "State": {"Status": status, "Running": running, "ExitCode": code, "Error": ""} | more,
        "HostConfig": {"Memory": memory},
    }


@pytest.mark.parametrize(
    ("attributes", "words"),
    [
        (state("running"), "its container runs"),
        (
            state("exited", 137, 1_500_000_000, OOMKilled=True),
            "its container ran out of memory: it needed more than the 1.4 GiB that it may have (exit code 137)",
        ),
        (
            state("exited", 1, OOMKilled=True),
            "its container ran out of memory: it needed more than what the machine has (exit code 1)",
        ),
        (state("exited", 137), "its container was ended by the signal SIGKILL (exit code 137)"),
        (state("exited", 139), "its container was ended by the signal SIGSEGV (exit code 139)"),
        (state("exited", 255), "its container ended with exit code 255 before the run did"),
        (state("exited", 0), "its container ended with exit code 0 before the run did"),
        (state("dead", 1, Error="x"), "its container ended with exit code 1 before the run did: x"),
        (
            state("created", 127, Error='exec: "dagster": executable file not found in $PATH'),
            'its container was made and never started: exec: "dagster": executable file not found in $PATH',
        ),
    ],
)
def test_a_containers_state_is_put_in_words(attributes, words):
    assert explain_state(attributes) == words
