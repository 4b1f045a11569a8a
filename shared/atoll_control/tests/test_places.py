import json
import subprocess
from datetime import date
from pathlib import Path
from typing import Any, Literal

import pytest

from atoll_control.deployment.settings import Settings
from atoll_control.errors import UserError
from atoll_control.files import Checkout
from atoll_control.graphql import Location, Page
from atoll_control.places import find_place
from atoll_control.places.installation import Installation
from atoll_control.places.laptop import Laptop
from atoll_control.process import Output
from atoll_control.projects import Project
from atoll_control.workflows.list import list_locations
from atoll_control.workflows.models import roll_back, show_models
from atoll_control.workflows.replay import replay

MODEL = {"name": "cars", "profile": "full", "versions": [], "decisions": []}


class ServerStandIn:
    """Stands in for a server: commands are kept, and the library's answered as given; a shell runs in a folder here."""

    name = "staging"
    locations: tuple[Location, ...] = ()

    def __init__(self, folder: Path, profile: Literal["sample", "full"] = "sample") -> None:
        self.folder = folder
        self.settings = Settings(profile=profile)
        self.executed: list[tuple[str, ...]] = []
        self.answers: dict[str, Output] = {}

    def page(self) -> Page:
        page = Page("https://localhost:8443")
        page.locations = lambda: list(self.locations)
        return page

    def execute(self, service: str, *command: str, input: str | None = None) -> Output:
        self.executed.append((service, *command))
        if command[0] == "sh":
            local = [part.replace("/atoll/.atoll", str(self.folder)) for part in command]
            done = subprocess.run(local, input=input, capture_output=True, text=True, check=False)
            return Output(done.returncode, done.stdout, done.stderr)
        return self.answers[command[3].rpartition(".")[2]]


@pytest.fixture
def server(tmp_path: Path) -> ServerStandIn:
    return ServerStandIn(tmp_path)


@pytest.fixture
def installation(checkout: Checkout, server: ServerStandIn) -> Installation:
    return Installation(checkout, server)  # ty: ignore[invalid-argument-type]


@pytest.fixture
def staging(installation: Installation, monkeypatch: pytest.MonkeyPatch, add_project: Any) -> Installation:
    """The environment that every workflow finds, and a project in the checkout."""
    add_project("cars")
    for workflow in ("list", "models", "replay"):
        monkeypatch.setattr(f"atoll_control.workflows.{workflow}.find_place", lambda _, environment: installation)
    return installation


def test_without_an_environment_the_place_is_the_checkout(checkout: Checkout):
    place = find_place(checkout, None)
    assert isinstance(place, Laptop)
    assert (place.option, place.choose_profile(full=True), place.choose_profile(full=False)) == ("", "full", None)
    assert place.tracking() is None
    place.move_clock(date(2013, 3, 10), "full")
    assert json.loads((checkout.state / "clock.json").read_text()) == {"today": "2013-03-10", "profile": "full"}


def test_an_environment_is_found_by_its_name_or_refused(checkout: Checkout):
    checkout.environments.mkdir(parents=True)
    (checkout.environments / "staging.settings.toml").touch()
    assert find_place(checkout, "staging").option == " --env staging"
    with pytest.raises(UserError, match="there is no environment production"):
        find_place(checkout, "production")


def test_the_clock_of_a_server_is_replaced_in_one_step(installation, server, tmp_path):
    for day in (3, 10):
        installation.move_clock(date(2013, 3, day))
        assert json.loads((tmp_path / "clock.json").read_text()) == {"today": f"2013-03-{day:02}"}
    assert not (tmp_path / "clock.json.new").exists()
    assert {command[0] for command in server.executed} == {"operations"}
    server.folder = tmp_path / "nothing"
    with pytest.raises(RuntimeError, match="the clock of staging was not moved"):
        installation.move_clock(date(2013, 3, 17))


def test_python_runs_in_the_container_of_the_project_with_its_secrets(installation, server):
    server.answers["rollback"] = server.answers["inspection"] = Output(0, 'said on loading\n{"a": 1}', "")
    assert installation.ask(Project("cars", Path("cars")), "rollback", "cars", "--dry-run") == {"a": 1}
    assert installation.inspect("ls", "cars", profile="full", partition=None) == {"a": 1}
    assert server.executed == [
        ("cars", "/entrypoint", "python", "-m", "atoll.commands.rollback", "cars", "--dry-run"),
        ("operations", "/entrypoint", "python", "-m", "atoll.commands.inspection", "ls", "cars", "--profile=full"),
    ]


def test_what_the_library_refuses_is_told_and_what_breaks_is_a_bug(installation, server):
    server.answers["inspection"] = Output(2, '{"what": "a", "why": "b", "how": "c"}', "")
    with pytest.raises(UserError) as caught:
        installation.inspect("ls", "")
    assert (caught.value.what, caught.value.why, caught.value.how) == ("a", "b", "c")
    for broken in (Output(1, "", "Traceback"), Output(2, "", "usage: Traceback"), Output(137, "{}", "Traceback")):
        server.answers["inspection"] = broken
        with pytest.raises(RuntimeError, match=r"inspection failed: .*Traceback"):
            installation.inspect("ls", "")


def test_a_server_has_one_profile(installation, checkout, tmp_path):
    assert installation.choose_profile(full=False) is None
    with pytest.raises(UserError) as caught:
        installation.choose_profile(full=True)
    assert caught.value.what == "staging does not work on all data."
    assert caught.value.how.startswith('leave out --full, or write profile = "full" into deploy/environments/staging.')
    production = ServerStandIn(tmp_path, "full")
    assert Installation(checkout, production).choose_profile(full=True) is None  # ty: ignore[invalid-argument-type]


def test_a_server_that_does_not_answer_is_explained(installation, server, monkeypatch):
    def refuse() -> list[Location]:
        raise OSError("Connection refused")

    page = server.page()
    page.locations = refuse
    monkeypatch.setattr(server, "page", lambda: page)
    with pytest.raises(UserError) as caught:
        installation.page()
    assert caught.value.what == "staging does not answer."
    assert caught.value.why == "nothing answers at https://localhost:8443: Connection refused."
    assert caught.value.how == "./atoll status staging"


def test_locations_of_a_server_are_listed_with_image_error_and_cure(checkout, staging, server, capsys):
    server.locations = (
        Location("cars", True, None, "atoll/cars@sha256:1"),
        Location("ships", False, "by zero\nTraceback", None),
        Location("trains", False, None, None),
    )
    assert list_locations(checkout, as_json=True, environment="staging") == 0
    logs = "./atoll logs staging"
    assert [(row["ready"], row["error"], row["how"]) for row in json.loads(capsys.readouterr().out)] == [
        (True, None, None),
        (False, "by zero", f"{logs} ships"),
        (False, "it is not loaded yet", f"{logs} trains"),
    ]
    assert list_locations(checkout, as_json=False, environment="staging") == 0
    lines = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert lines[:3] == ["location image error", "✓ cars atoll/cars@sha256:1", f"✗ ships by zero {logs} ships"]


def test_a_place_without_locations_is_listed_as_empty(checkout, capsys):
    assert list_locations(checkout, as_json=False) == 0
    assert capsys.readouterr().out.strip() == ""


def test_a_cure_names_the_environment(checkout, staging, server):
    server.answers["inspection"] = Output(0, "[]", "")
    with pytest.raises(UserError) as caught:
        show_models(checkout, "cars", "full", as_json=False, environment="staging")
    assert caught.value.how == "./atoll run cars --full --env staging, or name another profile: --profile sample"
    with pytest.raises(UserError) as caught:
        roll_back(checkout, "cars", None, None, None, dry_run=False, as_json=False, environment="staging")
    assert caught.value.how == "./atoll run cars --full --env staging"


@pytest.mark.parametrize(("code", "told"), [(0, "MLflow's alias champion names it"), (1, "did not follow within 60 s")])
def test_a_rollback_is_confirmed_where_the_project_runs(checkout, staging, server, capsys, code, told):
    done = {"model": "cars", "champion": 1, "before": 2, "trained_for": None, "decision": 3}
    server.answers["inspection"] = Output(0, json.dumps([MODEL]), "")
    server.answers["rollback"] = Output(0, json.dumps(done), "")
    server.answers["confirmation"] = Output(code, "", "")
    options = {"dry_run": False, "as_json": False, "environment": "staging"}
    assert roll_back(checkout, "cars", 1, "complaints", None, **options) == code
    confirmation = ("atoll.commands.confirmation", "cars", "1", "http://mlflow:5000/mlflow", "--patience=60")
    assert server.executed[-1] == ("cars", "/entrypoint", "python", "-m", *confirmation)
    assert "--why=complaints" in server.executed[-2]
    assert told in capsys.readouterr().err


def test_a_replay_waits_for_locations_that_load(checkout, staging, server):
    server.locations = (Location("cars", False, None, None),)
    with pytest.raises(UserError) as caught:
        replay(checkout, "cars", "2013-03-03", "2013-03-10", full=False, dry_run=False, environment="staging")
    assert caught.value.what == "the platform is not ready."
