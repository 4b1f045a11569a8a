"""What is killed in mid-run: nothing is lost, nothing hangs, and the server heals by itself."""

from collections.abc import Iterator
from contextlib import suppress

import pytest

import engine
from engine import crash, inspect
from rows import HANGING, list_rows
from runs import ENDED, messages, status, wait_for_end
from server import Running
from waiting import wait_until


@pytest.fixture(autouse=True)
def nothing_is_lost(server: Running) -> Iterator[None]:
    """Whatever was in both databases and in the store before the fault is there after it, and no run hangs."""
    rows, artefacts = list_rows(server), server.artefacts()
    assert rows["dagster.event_logs"]
    yield
    after = list_rows(server)
    for table, before in rows.items():
        assert not before - after[table], f"rows of {table} are gone"
    kept = server.artefacts()
    assert {path: kept.get(path) for path in artefacts} == artefacts
    # What goes on by itself ends too.
    wait_until(lambda: server.query("dagster", HANGING) == [], "the end of every run")


def works(server: Running) -> None:
    """Wait until MLflow answers, and a run goes its whole way: page, queue, daemon, launcher, container, store."""
    server.await_page()
    wait_until(lambda: server.fetch("/mlflow/", server.login)[0] == 200, "MLflow")
    launched: list[str] = []

    def can_launch() -> bool:
        # What was there before the fault, such as a connection, is found to be gone at its first use.
        with suppress(AssertionError, OSError, RuntimeError):
            launched.append(server.launch("trials", "patience"))
        return bool(launched)

    wait_until(can_launch, "a run that can be launched")
    server.succeed(launched[0])


def come_back(server: Running, service: str) -> None:
    def is_running() -> bool:
        (found,) = inspect(server.service(service))
        return found["RestartCount"] > 0 and found["State"]["Status"] == "running"

    # Whether it does its work is for what follows to show; Docker asks for its health a while later.
    wait_until(is_running, f"{service} again")


def test_a_run_over_its_memory_fails_alone_with_the_reason_in_its_log(server):
    other = server.begin_waiting()
    run = server.launch("trials", "memory", megabytes=2048)
    assert wait_for_end(server.page, run) == "FAILURE"
    said = messages(server.page, run)
    assert "ran out of memory: it needed more than the 0.5 GiB that it may have" in said
    # What it printed last.
    assert "Started execution of step" in said[said.index("ran out of memory") :]
    assert status(server.page, other) == "STARTED"
    server.end_waiting(other)


def test_a_run_whose_container_is_killed_has_failed_with_the_reason_and_its_last_lines(server):
    run = server.begin_waiting(talk=True)
    crash(server.run_container(run))
    assert wait_for_end(server.page, run) == "FAILURE"
    said = messages(server.page, run)
    assert "its container was ended by the signal SIGKILL" in said
    assert "look " in said[said.index("SIGKILL") :]
    works(server)


def test_services_that_are_killed_one_after_the_other_come_back_and_the_run_does_not_notice(server):
    run = server.begin_waiting()
    for service in ("trials", "webserver", "daemon", "guard", "proxy", "mlflow"):
        crash(server.service(service))
        come_back(server, service)
        works(server)
    server.end_waiting(run)


def test_postgresql_that_is_killed_loses_nothing_and_every_run_ends(server):
    quiet, talking = server.begin_waiting(), server.begin_waiting(talk=True)
    crash(server.service("postgres"))
    come_back(server, "postgres")
    server.await_page()
    server.end_waiting(quiet)
    # It wrote at that moment, and may have failed; if so, it says why.
    with suppress(AssertionError):
        server.end_waiting(talking)
    if wait_for_end(server.page, talking) == "FAILURE":
        assert "its container ended with exit code" in messages(server.page, talking)
    works(server)


@engine.in_ci_alone
def test_the_engine_is_restarted_and_the_server_comes_back_by_itself(server):
    run = server.begin_waiting()
    services = server.containers().keys()
    engine.restart()
    wait_until(lambda: server.containers().keys() == services, "every service again")
    server.await_page()
    assert wait_for_end(server.page, run) in ENDED - {"SUCCESS"}
    assert "its container was ended by the signal" in messages(server.page, run)
    works(server)
    wait_until(lambda: server.clone.atoll("status", server.name).code == 0, "all services to be well")


def test_after_all_of_that_the_store_holds_what_was_written(server):
    verified = server.atoll("store", "verify")
    assert (verified.code, verified.stderr.strip()) == (0, "✓ the store holds what was written")
