"""How the platform ends, killed or interrupted: what that leaves behind, and who clears it away."""

from dagster import DagsterRunStatus

from atoll_control.process import is_alive, living
from dev import mlflow_group, processes_of
from runs import launch
from test_dev import pid_of, runs_of, unfinished


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
    assert unfinished(platform.clone) == []
    assert runs_of(platform.clone)[run].status == DagsterRunStatus.CANCELED
