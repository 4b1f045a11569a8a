import json
import socket
import ssl
import stat
import urllib.error
from email.message import Message

import pytest

from atoll_control.deployment import preparation, startup
from atoll_control.deployment.compose import render_compose
from atoll_control.deployment.server import Container, Server
from atoll_control.deployment.startup import start_containers, wait_until_loaded
from atoll_control.errors import UserError
from atoll_control.files import write_atomically
from atoll_control.graphql import Location, Page
from atoll_control.images.record import Image, write_build
from atoll_control.process import Output
from atoll_control.projects import discover_projects
from atoll_control.workflows import down, status, up
from atoll_control.workflows.logs import logs

WELL = Container("cars", "cars@sha256:" + "a" * 64, "running", "healthy", 0)


@pytest.fixture
def server(checkout, add_project) -> Server:
    """An environment of one project that was built; nothing of it was started."""
    add_project("cars")
    write_atomically(checkout.environments / "staging.settings.toml", "")
    write_atomically(checkout.compose, render_compose(discover_projects(checkout)))
    for name in ("control", "cars"):
        reference = f"127.0.0.1:5005/atoll/{name}@sha256:{'a' * 64}"
        write_build(checkout, Image(name, reference, "content", "c0ffee", "l0ck", "2026-11-26T10:00:00Z"))
    return Server(checkout, "staging")


def test_a_dry_run_says_what_would_be_and_leaves_no_trace(server, checkout, capsys):
    before = sorted(checkout.root.rglob("*"))
    assert up.up(checkout, "staging", dry_run=True) == 0
    said = capsys.readouterr().err
    assert "would write deploy/environments/staging.toml with the last build of control, cars" in said
    assert "would replace cars: nothing -> aaaaaaaaaaaa (c0ffee)" in said
    assert "would run it at https://localhost:8443" in said
    assert sorted(checkout.root.rglob("*")) == before


def test_a_compose_file_that_has_drifted_is_not_started(server, checkout, add_project):
    add_project("trips")
    with pytest.raises(UserError) as caught:
        up.up(checkout, "staging", dry_run=True)
    assert caught.value.what == "deploy/compose.yaml has drifted."
    assert caught.value.how == "./atoll sync"


def test_passwords_are_not_made_beside_databases_that_know_others(server, monkeypatch):
    monkeypatch.setattr(preparation, "docker", lambda *_: Output(0, "", ""))
    with pytest.raises(UserError) as caught:
        preparation._require_passwords(server)
    assert caught.value.what == "the passwords of the databases of staging are not here."
    assert "docker volume rm atoll-staging_database" in caught.value.how
    write_atomically(server.secrets / "dagster.pgpass", "")
    preparation._require_passwords(server)


def test_what_is_prepared_is_what_the_compose_file_asks_for(server, checkout, monkeypatch, capsys, docker_socket):
    monkeypatch.setattr(preparation, "require_network", lambda _: None)
    monkeypatch.setattr(preparation, "start_registry", lambda *_: None)
    monkeypatch.setattr(preparation, "docker", lambda *_: Output(1, "", ""))
    (checkout.deploy / "build.toml").write_text('registry = "r"\nregistry_image = "i"\nbase = "b"\n')
    limits = "run_launcher: {config: {container_kwargs: {pids_limit: 7}}}"
    write_atomically(checkout.deploy / "instance" / "dagster.yaml", limits)
    for file in ("proxy/Caddyfile", "postgres/databases.sh"):
        write_atomically(checkout.deploy / file, "")
    release, added = up.plan_release(checkout, "staging")
    projects = discover_projects(checkout)
    preparation.prepare(server, projects, release, added)
    assert stat.S_IMODE(server.secrets.stat().st_mode) == 0o700
    policy = json.loads((server.folder / "policy" / "runs.json").read_text())["cars"][0]
    assert (policy["image"], policy["pids_limit"]) == (f"127.0.0.1:5005/atoll/cars@sha256:{'a' * 64}", 7)
    said, password = capsys.readouterr().err, (server.secrets / "login").read_text().strip().partition(":")[2]
    assert "wrote deploy/environments/staging.toml: commit it" in said
    assert password in said
    preparation.prepare(server, projects, release, [])
    up._tell_addresses(server)
    said = capsys.readouterr().err
    assert "https://localhost:8443/mlflow/" in said
    assert ".atoll/secrets/staging/login" in said
    assert password not in said


def test_a_certificate_that_settings_promise_is_asked_for(server, checkout):
    write_atomically(checkout.environments / "staging.settings.toml", 'tls = "files"')
    server = Server(checkout, "staging")
    with pytest.raises(UserError) as caught:
        preparation.require_certificate(server)
    assert caught.value.what == "staging has no certificate."
    for name in ("tls.crt", "tls.key"):
        write_atomically(server.secrets / "proxy" / name, "")
    preparation.require_certificate(server)


class Compose:
    """A stand-in for the server's Compose."""

    def __init__(self, containers: list[Container], said: str = "") -> None:
        self.boxes, self.said = containers, said

    def containers(self) -> list[Container]:
        return self.boxes

    def compose(self, verb: str, *_: str) -> Output:
        return Output(0, "", self.said) if verb == "up" else Output(0, "first\n\nlast\n", "")


def stand_in(server: Server, monkeypatch, compose: Compose) -> None:
    monkeypatch.setattr(server, "containers", compose.containers)
    monkeypatch.setattr(server, "compose", compose.compose)


def test_a_port_that_another_program_has_is_told_with_the_setting(server, monkeypatch):
    stand_in(server, monkeypatch, Compose([Container("proxy", "", "created", "", 0)]))
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        server.settings = server.settings.model_copy(update={"port": port})
        with pytest.raises(UserError) as caught:
            start_containers(server)
    assert caught.value.why == f"port {port} is in use by another program."
    assert "staging.settings.toml" in caught.value.how
    with pytest.raises(UserError) as caught:
        start_containers(server)
    assert caught.value.what == "staging does not start: proxy is created."


def test_a_service_that_does_not_start_is_told_with_its_last_lines(server, monkeypatch):
    waiting, broken = Container("webserver", "", "created", "", 0), Container("migrate", "", "exited", "", 1)
    stand_in(server, monkeypatch, Compose([waiting, broken, WELL], "dependency failed"))
    with pytest.raises(UserError) as caught:
        start_containers(server)
    assert caught.value.what == "staging does not start: migrate ended with 1."
    assert caught.value.why == "its last lines: first | last"
    assert caught.value.how.startswith("./atoll logs staging migrate")


def test_databases_that_were_not_made_to_their_end_are_told_with_the_cure(server, monkeypatch):
    compose = Compose([Container("migrate", "", "exited", "", 1)])
    stand_in(server, monkeypatch, compose)
    said = 'FATAL:  password authentication failed for user "dagster"'
    monkeypatch.setattr(server, "compose", lambda *_: Output(1, said, "dependency failed"))
    with pytest.raises(UserError) as caught:
        start_containers(server)
    assert caught.value.how == (
        "docker exec atoll-staging-postgres-1 sh /docker-entrypoint-initdb.d/databases.sh, then: ./atoll up staging"
    )


@pytest.mark.parametrize(
    ("error", "why"),
    [
        (urllib.error.HTTPError("", 502, "Bad Gateway", Message(), None), "HTTP Error 502: Bad Gateway"),
        (urllib.error.URLError("Name or service not known"), "<urlopen error Name or service not known>"),
    ],
)
def test_a_page_that_does_not_answer_is_told_with_its_last_answer(server, checkout, monkeypatch, error, why):
    def refuse(_):
        raise error

    monkeypatch.setattr(Server, "page", lambda _: Page("https://localhost:8443"))
    monkeypatch.setattr(Page, "locations", refuse)
    monkeypatch.setattr(startup, "PATIENCE", 0)
    stand_in(server, monkeypatch, Compose([WELL]))
    with pytest.raises(UserError) as caught:
        wait_until_loaded(server, discover_projects(checkout), lambda _: None)
    assert caught.value.why == f"the page does not answer at https://localhost:8443 as it should: {why}."
    assert caught.value.how == "./atoll status staging"


def refuse_certificate() -> urllib.error.URLError:
    error = ssl.SSLCertVerificationError(1, "certificate verify failed")
    error.verify_message = "Hostname mismatch"
    return urllib.error.URLError(error)


@pytest.mark.parametrize(
    ("error", "why", "how"),
    [
        (
            urllib.error.HTTPError("", 401, "Unauthorized", Message(), None),
            "the proxy refuses the login",
            "proxy/users",
        ),
        (refuse_certificate(), "its certificate is not one for localhost: Hostname mismatch.", "`host` or `tls`"),
    ],
)
def test_who_is_not_let_in_does_not_wait(server, checkout, monkeypatch, error, why, how):
    def refuse(_):
        raise error

    monkeypatch.setattr(Server, "page", lambda _: Page("https://localhost:8443"))
    monkeypatch.setattr(Page, "locations", refuse)
    stand_in(server, monkeypatch, Compose([WELL]))
    with pytest.raises(UserError) as caught:
        wait_until_loaded(server, discover_projects(checkout), lambda _: None)
    assert caught.value.what == "staging runs, and does not let this command in."
    assert why in caught.value.why
    assert how in caught.value.how


def test_what_compose_says_last_is_told_where_no_container_is_sick(server, monkeypatch):
    stand_in(server, monkeypatch, Compose([WELL]))
    monkeypatch.setattr(server, "compose", lambda *_: Output(1, "", "pulling\nError: manifest unknown.\n"))
    with pytest.raises(UserError) as caught:
        start_containers(server)
    assert caught.value.why == "Error: manifest unknown."


def test_a_server_that_does_not_stop_is_told_with_what_compose_says_last(server, checkout, monkeypatch):
    stopped = Output(1, "", "stopping\nError: no space left.\n")
    monkeypatch.setattr(down, "require_engine", lambda: None)
    monkeypatch.setattr(down, "docker", lambda *_: Output(0, "", ""))
    monkeypatch.setattr(down, "mend_leftovers", lambda _: None)
    monkeypatch.setattr(Server, "containers", lambda _: [WELL])
    monkeypatch.setattr(Server, "compose", lambda *_: stopped)
    with pytest.raises(UserError) as caught:
        down.down(checkout, "staging", dry_run=False)
    assert (caught.value.what, caught.value.why) == ("staging was not stopped.", "Error: no space left.")


def test_secrets_of_another_user_are_told_before_anything_else(server, checkout, monkeypatch):
    write_atomically(server.secrets / "login", "")
    monkeypatch.setattr("os.geteuid", lambda: 54321)
    with pytest.raises(UserError) as caught:
        up.up(checkout, "staging", dry_run=True)
    assert caught.value.what.startswith("the secrets of staging belong to ")


def test_a_location_that_is_only_starting_is_waited_for_and_a_broken_one_is_told(
    server, checkout, add_project, monkeypatch
):
    add_project("trips")
    starting = Location("cars", False, "DagsterUserCodeUnreachableError: Could not reach user code server.")
    broken = Location("trips", False, "ImportError: no module named nothing")
    answers = iter([[], [starting, broken], [Location("cars", True, None), broken]])
    monkeypatch.setattr(startup, "_ask", lambda _: (next(answers), ""))
    monkeypatch.setattr(startup, "POLL", 0)
    stand_in(server, monkeypatch, Compose([WELL]))
    told: list[Location] = []
    assert wait_until_loaded(server, discover_projects(checkout), told.append) is False
    assert [(location.name, location.loaded) for location in told] == [("trips", False), ("cars", True)]


def test_containers_that_do_not_become_well_are_not_waited_for_for_ever(server, checkout, monkeypatch):
    monkeypatch.setattr(startup, "_ask", lambda _: ([Location("cars", True, None)], ""))
    monkeypatch.setattr(startup, "PATIENCE", 0.05)
    monkeypatch.setattr(startup, "POLL", 0.01)
    stand_in(server, monkeypatch, Compose([WELL, Container("mlflow", "", "restarting", "", 1)]))
    with pytest.raises(UserError) as caught:
        wait_until_loaded(server, discover_projects(checkout), lambda _: None)
    assert caught.value.what == "staging does not start: mlflow is restarting."


@pytest.mark.parametrize(
    ("container", "text"),
    [
        (WELL, "runs and is healthy"),
        (Container("daemon", "", "running", "", 0), "runs"),
        (Container("migrate", "", "exited", "", 0), "ended"),
        (Container("proxy", "", "exited", "", 137), "ended with 137"),
    ],
)
def test_how_a_container_is_takes_few_words(container, text):
    assert str(container) == text


def test_logs_of_a_service_that_is_not_there_are_explained(server, checkout, monkeypatch):
    monkeypatch.setattr("atoll_control.workflows.logs.require_engine", lambda: None)
    monkeypatch.setattr(Server, "compose", lambda *_: Output(0, "cars\nwebserver\n", ""))
    with pytest.raises(UserError) as caught:
        logs(checkout, "staging", "car", lines=1, follow=False)
    assert caught.value.what == "staging has no service car."
    assert caught.value.why == "its services are cars, webserver."


def test_a_stopped_environment_is_told_as_one(server, checkout, monkeypatch, capsys):
    monkeypatch.setattr(Server, "containers", lambda _: [])
    for module in (status, down):
        monkeypatch.setattr(module, "require_engine", lambda: None)
    monkeypatch.setattr(down, "docker", lambda *_: Output(0, "", ""))
    assert status.status(checkout, "staging", as_json=True) == 1
    assert json.loads(capsys.readouterr().out)["problem"] == "staging is stopped: ./atoll up staging"
    assert down.down(checkout, "staging", dry_run=False) == 0
    assert "staging is stopped already" in capsys.readouterr().err


def test_runs_that_are_left_alone_are_ended_too(server, checkout, monkeypatch, capsys):
    asked: list[str] = []

    def docker(verb, *_):
        asked.append(verb)
        return Output(0, "" if "rm" in asked else "5eed\n", "")

    for name, stand_in in {"docker": docker, "require_engine": lambda: None, "mend_leftovers": lambda _: None}.items():
        monkeypatch.setattr(down, name, stand_in)
    monkeypatch.setattr(Server, "containers", lambda _: [])
    monkeypatch.setattr(Server, "compose", lambda *_: Output(0, "", ""))
    assert down.down(checkout, "staging", dry_run=True) == 0
    assert down.down(checkout, "staging", dry_run=False) == 0
    assert asked == ["ps", "ps", "ps", "stop", "rm"]
    said = capsys.readouterr().err
    assert "would end 1 run" in said
    assert "ended 1 run; the page says so at the next start" in said


def test_a_location_that_does_not_load_makes_the_whole_not_well(server, checkout, monkeypatch, capsys):
    monkeypatch.setattr(status, "require_engine", lambda: None)
    monkeypatch.setattr(Server, "containers", lambda _: [WELL])
    for location, code in ((Location("cars", True, None), 0), (Location("cars", False, "ImportError: x\nmore"), 1)):
        monkeypatch.setattr(status, "_ask_page", lambda _, location=location: status._page(None, [location]))
        assert status.status(checkout, "staging", as_json=False) == code
    assert "ImportError: x" in capsys.readouterr().out
