from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from atoll_control.deployment.drift import Drift, find_drift
from atoll_control.deployment.server import Container
from atoll_control.process import Output
from atoll_control.projects import Project

PROJECTS = [Project("cars", Path("cars")), Project("trips", Path("trips"))]
SERVICES = ("cars", "trips", "webserver", "daemon", "migrate")
WELL = [Container(name, "image", "running", "", 0, id=f"{name}0001", configuration="wanted") for name in SERVICES[:-1]]
WELL.append(Container("migrate", "image", "exited", "", 0, id="migrate0001", configuration="wanted"))


@dataclass
class Stub:
    """A server whose containers are these, and whose links lead where the locations' containers are."""

    boxes: list[Container]
    links: str = "cars cars0001\ntrips trips0001\n"

    def configurations(self) -> dict[str, str]:
        return dict.fromkeys(SERVICES, "wanted")

    def containers(self) -> list[Container]:
        return self.boxes

    def execute(self, service: str, *command: str) -> Output:
        assert service == "webserver"
        return Output(0, self.links, "")


def changed(service: str, **changes: str) -> list[Container]:
    return [replace(box, **changes) if box.service == service else box for box in WELL]


def find(boxes: list[Container], **links: str) -> Drift:
    return find_drift(Stub(boxes, **links), PROJECTS)  # ty: ignore[invalid-argument-type]


def test_where_everything_is_what_it_should_be_there_is_none():
    assert not find(WELL)


@pytest.mark.parametrize("changes", [{"configuration": "another"}, {"state": "exited"}, {"state": "restarting"}])
def test_what_is_made_from_something_else_or_does_not_run_is_one(changes):
    assert find(changed("cars", **changes)) == Drift(cold=False, platform=(), locations=("cars",))
    assert find(changed("daemon", **changes)) == Drift(cold=False, platform=("daemon",), locations=())


def test_a_project_that_is_new_and_one_that_is_no_more_are_one():
    without = [box for box in WELL if box.service != "trips"]
    gone = Container("buses", "image", "running", "", 0, id="buses0001", configuration="wanted")
    assert find([*without, gone]) == Drift(cold=False, platform=("buses",), locations=("trips",))


def test_a_deployment_that_was_killed_is_one_before_its_switch_and_after_it():
    new = Container("cars", "image", "running", "", 0, id="cars0002", configuration="wanted")
    started = [*changed("cars", configuration="old"), new]
    assert find(started).locations == ("cars",)
    assert find(started, links="cars cars0002\ntrips trips0001\n").locations == ("cars",)
    # The old one has gone, and the link still leads to it.
    only = [new if box.service == "cars" else box for box in WELL]
    assert find(only).locations == ("cars",)
    assert not find(only, links="cars cars0002\ntrips trips0001\n")


def test_a_code_server_that_was_never_asked_is_one():
    assert find(WELL, links="").locations == ("cars", "trips")
    assert find(WELL, links="trips trips0001\n").locations == ("cars",)


def test_an_environment_without_a_code_server_is_cold():
    assert find([]) == Drift(cold=True, platform=("daemon", "webserver"), locations=("cars", "trips"))
    assert find([box for box in WELL if box.service not in ("cars", "trips")]).cold
