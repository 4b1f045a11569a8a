import json

import pytest

from atoll_control.deployment import server as module
from atoll_control.deployment.server import Container, Server
from atoll_control.errors import UserError
from atoll_control.process import Output

POSTGRES = {"Service": "postgres", "Image": "postgres:17", "State": "running", "Health": "healthy", "ExitCode": 0}
PREPARE = {"Service": "prepare", "Image": "control", "State": "exited", "Health": "", "ExitCode": 0}


@pytest.fixture
def server(checkout, monkeypatch) -> Server:
    """A server that was started, with a stand-in for Compose that answers `says[VERB]` and keeps what it was called."""
    checkout.environments.mkdir(parents=True)
    (checkout.environments / "staging.settings.toml").write_text("")
    server = Server(checkout, "staging")
    server.folder.mkdir(parents=True)
    (server.folder / "compose.env").write_text("ATOLL_ENVIRONMENT='staging'\nATOLL_TLS='a b'\n")
    server.says = {"ps": Output(0, "", "")}  # ty: ignore[unresolved-attribute]
    server.calls = []  # ty: ignore[unresolved-attribute]

    def compose(*arguments, env, input=None):
        server.calls.append((arguments, env))  # ty: ignore[unresolved-attribute]
        return server.says[arguments[4]]  # ty: ignore[unresolved-attribute]

    monkeypatch.setattr(module, "compose", compose)
    return server


def test_what_up_wrote_wins_over_the_callers_environment(server):
    server.compose("ps")
    arguments, variables = server.calls[0]
    assert variables == {"ATOLL_ENVIRONMENT": "staging", "ATOLL_TLS": "a b"}
    assert arguments[:2] == ("--file", str(server.checkout.compose))


def test_a_server_that_was_never_started_is_told(server):
    (server.folder / "compose.env").unlink()
    with pytest.raises(UserError) as caught:
        server.compose("ps")
    assert caught.value.what == "staging was not started from this checkout."
    assert caught.value.how == "./atoll up staging"


@pytest.mark.parametrize("form", ["\n".join, lambda lines: f"[{','.join(lines)}]"])
def test_containers_are_read_as_every_compose_tells_them(server, form):
    server.says["ps"] = Output(0, form([json.dumps(PREPARE), json.dumps(POSTGRES)]), "")
    assert [container.service for container in server.containers()] == ["postgres", "prepare"]


@pytest.mark.parametrize(
    ("service", "state", "health", "code", "well"),
    [
        ("webserver", "running", "healthy", 0, True),
        ("daemon", "running", "", 0, True),
        ("webserver", "running", "starting", 0, False),
        ("webserver", "running", "unhealthy", 0, False),
        ("webserver", "restarting", "", 1, False),
        ("webserver", "exited", "", 0, False),
        ("prepare", "exited", "", 0, True),
        ("migrate", "exited", "", 1, False),
        ("migrate", "created", "", 0, False),
    ],
)
def test_a_container_is_well_when_it_does_what_it_should(service, state, health, code, well):
    assert Container(service, "image", state, health, code).well is well


def test_what_a_command_says_is_returned_whatever_its_exit_code(server):
    server.says |= {"exec": Output(1, "no", "bad"), "ps": Output(0, json.dumps(POSTGRES), "")}
    assert server.execute("postgres", "false") == Output(1, "no", "bad")


def test_a_command_for_a_service_that_does_not_run_is_explained(server):
    server.says |= {"exec": Output(1, "", 'service "cars" is not running'), "ps": Output(0, json.dumps(POSTGRES), "")}
    with pytest.raises(UserError) as caught:
        server.execute("cars", "true")
    assert caught.value.what == "cars of staging does not run."
    assert "./atoll logs staging cars" in caught.value.how
