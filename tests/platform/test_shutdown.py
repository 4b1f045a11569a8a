"""How runs and the platform end, killed or interrupted: what that leaves behind, and who clears it away."""

import os
import signal
import subprocess
from pathlib import Path

from dagster import DagsterRunStatus

from atoll_control.process import is_alive, living
from clone import Clone
from dev import mlflow_group, processes_of
from runs import launch, pid_of, status, wait_for_end
from waiting import wait_until


def pointers(clone: Clone, *asset: str) -> bytes:
    return clone.root.joinpath(".atoll", "store", "sample", *asset, "all", "current.json").read_bytes()


def test_a_run_whose_process_is_killed_has_failed_and_its_asset_stays_as_it_was(platform, sample_runs):
    before = pointers(platform.clone, "vehicle_prices", "model")
    run = launch(platform.page, "vehicle_prices", "model")
    os.kill(pid_of(platform.page, run), signal.SIGKILL)
    wait_until(lambda: status(platform.page, run) == "FAILURE", "the page to see that the process is gone")
    assert pointers(platform.clone, "vehicle_prices", "model") == before
    later = launch(platform.page, "vehicle_prices", "evaluation")
    assert wait_for_end(platform.page, later) == "SUCCESS"


def test_a_run_that_is_killed_with_its_code_server_has_failed_too(platform, sample_runs):
    run = launch(platform.page, "vehicle_prices", "model")
    pid = pid_of(platform.page, run)
    server = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    assert "dagster api grpc" in processes_of(platform.clone)[server]
    os.kill(server, signal.SIGKILL)
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: status(platform.page, run) == "FAILURE", "the page to see that the process is gone")
    # Dagster starts such a server again when its location is reloaded, and not before.
    platform.page.reload("vehicle_prices")
    wait_until(lambda: all(location.loaded for location in platform.page.locations()), "the location after its reload")


def test_a_headless_run_that_is_killed_with_its_command_has_failed_too(platform, sample_runs):
    before = set(platform.clone.runs())
    command = subprocess.Popen(
        ["./atoll", "run", "vehicle_prices", "--select", "model"],
        cwd=platform.clone.root,
        env=platform.clone.environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    wait_until(lambda: set(platform.clone.runs()) - before, "a new run")
    (run,) = set(platform.clone.runs()) - before
    pid = pid_of(platform.page, run)
    command.kill()
    command.wait()
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: status(platform.page, run) == "FAILURE", "the page to see that the process is gone")


def test_what_a_killed_dev_left_running_is_ended_by_the_next(platform, first_start):
    server = mlflow_group(platform)
    platform.kill()
    dagster, mlflow = living(platform.group), living(server)
    assert dagster
    assert mlflow
    successor = first_start.terminal.running()
    assert "ended what a killed ./atoll dev had left running" in successor.text
    assert not any(map(is_alive, dagster | mlflow))
    assert not platform.sockets.exists()
    assert all(location.loaded for location in successor.page.locations())


def test_ctrl_c_with_a_run_in_flight_leaves_no_process_no_socket_and_no_active_run(platform):
    run = launch(platform.page, "vehicle_prices")
    pid_of(platform.page, run)
    dagster = living(platform.group)
    assert dagster
    assert platform.interrupt() == 0
    assert processes_of(platform.clone) == {}
    assert not any(map(is_alive, dagster))
    assert not platform.sockets.exists()
    assert list((platform.clone.root / ".atoll").glob("*.json")) == []
    assert platform.clone.unfinished() == []
    assert platform.clone.runs()[run].status == DagsterRunStatus.CANCELED
