"""Reconciliation where nothing differs: what is told, and what the history says afterwards."""

import pytest
from stand_in_deployments import images

from atoll_control.deployment import reconciliation
from atoll_control.deployment.history import DONE, RUNNING, History
from atoll_control.deployment.reconciliation import reconcile
from atoll_control.deployment.server import Server
from atoll_control.files import write_atomically
from atoll_control.graphql import UNREACHABLE, Location


@pytest.fixture
def server(checkout, monkeypatch) -> Server:
    """An environment that is what its files say."""
    write_atomically(checkout.environments / "staging.settings.toml", "")
    monkeypatch.setattr(reconciliation, "find_drift", lambda *_: None)
    monkeypatch.setattr(reconciliation, "wait_for_answers", lambda _: [])
    monkeypatch.setattr(Server, "containers", lambda _: [])
    return Server(checkout, "staging")


def begin(server: Server, digit: str) -> History:
    history = History(server.folder / "history")
    history.begin(verb="deploy", author="", reason="", source="", release=images(digit), before={})
    return history


@pytest.mark.parametrize(("begun", "outcome"), [("a", DONE), ("b", RUNNING)])
def test_a_deployment_that_was_killed_when_all_was_right_is_done(server, begun, outcome):
    history = begin(server, begun)
    assert reconcile(server, [], images("a"), "deploy", "")
    (newest,) = history.list()
    assert newest.outcome == outcome


def test_a_code_server_that_does_not_answer_is_told(server, monkeypatch, capsys):
    gone = Location("cars", False, f"{UNREACHABLE}: Could not reach user code server.")
    monkeypatch.setattr(reconciliation, "wait_for_answers", lambda _: [gone])
    assert not reconcile(server, [], images("a"), "deploy", "")
    assert "cars is not loaded" in capsys.readouterr().err
