import os

from dagster import DagsterInstance, DagsterRun
from dagster._core.launcher import WorkerStatus

from atoll_control.instance import open_instance
from atoll_control.process import identity
from atoll_control.runs import PARENT_TAG, PROCESS_TAG, headless_process

LAUNCHER = "\nrun_launcher:\n  module: atoll_control.run_launcher\n  class: LocalRunLauncher\n"


def started_run(instance: DagsterInstance, tags: dict[str, str]) -> DagsterRun:
    return instance.add_run(DagsterRun(job_name="job", tags=tags))


def test_a_headless_run_lives_as_long_as_its_process(checkout):
    (checkout.root / "dagster.yaml").open("a").write(LAUNCHER)
    with open_instance(checkout) as instance:
        run = started_run(instance, {PROCESS_TAG: identity(os.getpid())})
        assert instance.run_launcher.supports_check_run_worker_health
        assert instance.run_launcher.check_run_worker_health(run).status == WorkerStatus.RUNNING


def test_a_run_whose_process_is_missing_twice_has_failed(checkout):
    (checkout.root / "dagster.yaml").open("a").write(LAUNCHER)
    with open_instance(checkout) as instance:
        run = started_run(instance, {PROCESS_TAG: f"{os.getpid()}:1"})
        assert instance.run_launcher.check_run_worker_health(run).status == WorkerStatus.RUNNING
        second = instance.run_launcher.check_run_worker_health(run)
        assert second.status == WorkerStatus.FAILED
        assert "gone" in second.msg


def test_a_run_that_the_page_repeats_is_not_taken_for_the_headless_one():
    tags = {PROCESS_TAG: "1:2"}
    assert headless_process(tags) == "1:2"
    assert headless_process(tags | {PARENT_TAG: "the first"}) is None


def test_a_run_of_a_code_server_that_is_gone_has_failed(checkout, tmp_path):
    (checkout.root / "dagster.yaml").open("a").write(LAUNCHER)
    with open_instance(checkout) as instance:
        grpc = '{"host": "localhost", "socket": "%s"}' % (tmp_path / "gone.sock")
        run = started_run(instance, {".dagster/grpc_info": grpc})
        statuses = [instance.run_launcher.check_run_worker_health(run).status for _ in range(2)]
        assert statuses == [WorkerStatus.RUNNING, WorkerStatus.FAILED]
