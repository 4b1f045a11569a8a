"""The run launcher on the real engine, through the guard; a shell script stands in for a run's process."""

import logging
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from dagster import DagsterEvent, DagsterEventType, DagsterInstance, DagsterRun, DagsterRunStatus
from dagster._core.code_pointer import ModuleCodePointer
from dagster._core.origin import JobPythonOrigin, RepositoryPythonOrigin
from dagster._daemon.monitoring.run_monitoring import monitor_started_run, monitor_starting_run

import engine
from atoll_control.errors import UserError
from guarding import Guarded, guarding
from waiting import wait_until

INSTANCE = """
run_launcher: {module: atoll_control.container_launcher, class: ContainerRunLauncher}
run_monitoring: {enabled: true, start_timeout_seconds: 1}
telemetry: {enabled: false}
"""
LOG = logging.getLogger(__name__)


class Launching:
    """An instance whose runs start through a guard."""

    def __init__(self, instance: DagsterInstance, guarded: Guarded) -> None:
        self.instance, self.guarded = instance, guarded

    def launch(self, script: str, image: str = "", **changes: Any) -> str:
        """Launch a run whose process is a shell script, and return its id."""
        context = {"networks": [self.guarded.network], "container_kwargs": self.guarded.context(**changes)}
        origin = RepositoryPythonOrigin(
            sys.executable,
            ModuleCodePointer("trials", "defs"),
            container_image=image or engine.images().base,
            entry_point=["sh", "-c", script],
            container_context={"docker": context},
        )
        run = self.instance.add_run(DagsterRun(job_name="job", job_code_origin=JobPythonOrigin("job", origin)))
        self.instance.launch_run(run.run_id, None)  # ty: ignore[invalid-argument-type]
        return run.run_id

    def say(self, run_id: str, event: DagsterEventType) -> None:
        """Report what the run's process would."""
        self.instance.report_dagster_event(DagsterEvent(event.value, "job"), run_id)

    def started(self, script: str, **changes: Any) -> str:
        run_id = self.launch(script, **changes)
        self.say(run_id, DagsterEventType.RUN_START)
        return run_id

    def run(self, run_id: str) -> DagsterRun:
        found = self.instance.get_run_by_id(run_id)
        assert found is not None
        return found

    def containers(self, *, running: bool = False) -> list[str]:
        return engine.list_containers(f"atoll.environment={self.guarded.environment}", running=running)

    def ended(self, run_id: str) -> None:
        """Wait until the run's container has ended."""
        container = self.run(run_id).tags["docker/container_id"]
        wait_until(lambda: container not in self.containers(running=True), "the container's end")

    def monitor(self, run_id: str) -> str:
        """Let run monitoring look at a run once; return what it said when it gave the run up."""
        record = self.instance.get_run_record_by_id(run_id)
        assert record is not None
        if record.dagster_run.status == DagsterRunStatus.STARTED:
            monitor_started_run(self.instance, None, record, LOG)  # ty: ignore[invalid-argument-type]
        else:
            monitor_starting_run(self.instance, record, LOG)
        return self.failure(run_id)

    def failure(self, run_id: str) -> str:
        events = self.instance.all_logs(run_id, of_type=DagsterEventType.RUN_FAILURE)
        return "\n".join(event.message for event in events)


@pytest.fixture(scope="module")
def guarded() -> Iterator[Guarded]:
    with guarding() as found:
        yield found


@pytest.fixture
def launching(guarded: Guarded, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Launching]:
    (tmp_path / "dagster.yaml").write_text(INSTANCE)
    monkeypatch.setenv("DOCKER_HOST", guarded.address)
    # The tests themselves look past the guard.
    beside = tmp_path / "docker"
    beside.write_text(f'#!/bin/sh\nunset DOCKER_HOST\nexec {engine.CLIENT} "$@"\n')
    beside.chmod(0o755)
    monkeypatch.setattr(engine, "CLIENT", str(beside))
    with DagsterInstance.from_config(str(tmp_path)) as instance:
        launching = Launching(instance, guarded)
        yield launching
        if left := launching.containers():
            engine.docker("rm", "--force", *left)


def test_a_run_starts_in_its_locations_image_with_what_its_location_asks_for(launching):
    run = launching.run(launching.started("sleep 600"))
    (found,) = engine.inspect(*launching.containers())
    assert run.tags["docker/container_id"] == found["Id"]
    assert found["Config"]["Image"] == run.tags["dagster/image"] == engine.images().base
    assert found["Config"]["Labels"]["dagster/run_id"] == run.run_id
    assert found["HostConfig"]["Memory"] == 128 * 2**20
    assert found["HostConfig"]["LogConfig"] == {"Type": "json-file", "Config": {"max-size": "1m", "max-file": "2"}}
    assert [mount["Name"] for mount in found["Mounts"]] == [launching.guarded.volume]
    assert launching.monitor(run.run_id) == ""


def test_a_killed_run_fails_with_the_signal_and_its_last_lines_and_its_container_is_removed(launching):
    run_id = launching.started("i=0; while [ $i -lt 30 ]; do i=$((i+1)); echo line $i; done; sleep 600")
    (container,) = launching.containers()
    wait_until(lambda: "line 30" in engine.docker("logs", container), "the last line")
    engine.docker("kill", container)
    launching.ended(run_id)
    said = launching.monitor(run_id)
    assert "its container was ended by the signal SIGKILL (exit code 137)" in said
    assert "\n".join(f"line {number}" for number in range(11, 31)) in said
    assert "line 10\n" not in said
    assert launching.run(run_id).status == DagsterRunStatus.FAILURE
    assert launching.containers() == []


def test_a_run_over_its_memory_limit_fails_with_the_limit(launching):
    run_id = launching.started("echo training; exec python3 -c 'bytearray(2**30)'")
    launching.ended(run_id)
    said = launching.monitor(run_id)
    assert "ran out of memory: it needed more than the 0.125 GiB that it may have" in said
    assert "training" in said


def test_a_run_whose_process_ends_without_a_word_fails_with_its_exit_code(launching):
    run_id = launching.started("exit 7")
    launching.ended(run_id)
    said = launching.monitor(run_id)
    assert "its container ended with exit code 7 before the run did; it printed nothing." in said


def test_a_run_whose_container_is_gone_fails(launching):
    run_id = launching.started("sleep 600")
    engine.docker("rm", "--force", *launching.containers())
    assert "the container of this run is gone" in launching.monitor(run_id)


def test_a_run_that_ends_well_while_it_is_looked_at_has_not_failed(launching, monkeypatch):
    run_id = launching.started("exit 0")
    launching.ended(run_id)
    look = launching.instance.run_launcher.check_run_worker_health

    def look_late(run: DagsterRun) -> Any:
        launching.say(run_id, DagsterEventType.RUN_SUCCESS)
        return look(run)

    monkeypatch.setattr(launching.instance.run_launcher, "check_run_worker_health", look_late)
    assert launching.monitor(run_id) == ""
    assert launching.run(run_id).status == DagsterRunStatus.SUCCESS


def test_a_container_that_died_before_its_run_began_is_explained_when_the_run_is_given_up(launching):
    run_id = launching.launch("echo ModuleNotFoundError: trials >&2; exit 1")
    launching.ended(run_id)
    wait_until(lambda: launching.monitor(run_id), "the start timeout")
    said = launching.failure(run_id)
    assert "longer than 1 seconds to start" in said
    assert "ended with exit code 1" in said
    assert "ModuleNotFoundError: trials" in said
    assert launching.containers() == []


def test_a_container_whose_run_never_begins_is_ended_when_the_run_is_given_up(launching):
    run_id = launching.launch("echo waiting; sleep 600")
    wait_until(lambda: launching.monitor(run_id), "the start timeout")
    assert "its container runs" in launching.failure(run_id)
    assert launching.containers() == []


def test_containers_of_finished_runs_are_gone_after_the_next_launch(launching):
    finished, unheard = launching.started("exit 0"), launching.started("exit 0")
    launching.ended(finished)
    launching.ended(unheard)
    launching.say(finished, DagsterEventType.RUN_SUCCESS)
    running = launching.started("sleep 600")
    left = {container["Config"]["Labels"]["dagster/run_id"] for container in engine.inspect(*launching.containers())}
    assert left == {unheard, running}


def test_without_a_guard_too_only_containers_of_its_own_environment_are_removed(launching, monkeypatch):
    labels = ("--label", "atoll.environment=another", "--label", "dagster/run_id=unknown")
    other = engine.docker("create", *labels, engine.images().base, "true").split()[0]
    try:
        monkeypatch.delenv("DOCKER_HOST")
        launching.started("exit 0")
        assert engine.inspect(other)
    finally:
        engine.docker("rm", other)


def test_a_run_that_asks_for_the_machines_files_fails_and_says_what_was_refused(launching):
    with pytest.raises(UserError):
        launching.launch("cat /host/etc/shadow", volumes=["/:/host"])
    (run,) = launching.instance.get_runs()
    assert run.status == DagsterRunStatus.FAILURE
    assert 'HostConfig.Binds = ["/:/host"]' in launching.failure(run.run_id)
    assert launching.containers() == []


def test_a_run_whose_image_is_not_on_the_server_fails_and_says_what_brings_it(launching):
    launching.guarded.allow(image="atoll-nowhere:1")
    try:
        with pytest.raises(UserError):
            launching.launch("true", image="atoll-nowhere:1")
    finally:
        launching.guarded.allow()
    (run,) = launching.instance.get_runs()
    assert "atoll-nowhere is not on this server" in launching.failure(run.run_id)
    assert "./atoll up" in launching.failure(run.run_id)


def test_a_run_that_does_not_end_when_asked_to_is_cancelled_when_its_container_is_killed(launching):
    run_id = launching.started("trap '' TERM; while :; do sleep 1; done", stop_timeout=1)
    assert launching.instance.run_launcher.terminate(run_id)
    assert launching.run(run_id).status == DagsterRunStatus.CANCELED
    assert launching.containers(running=True) == []
    assert not launching.instance.run_launcher.terminate(run_id)


def test_a_run_whose_container_is_gone_is_cancelled_at_once(launching):
    run_id = launching.started("sleep 600")
    engine.docker("rm", "--force", *launching.containers())
    assert launching.instance.run_launcher.terminate(run_id)
    assert launching.run(run_id).status == DagsterRunStatus.CANCELED
