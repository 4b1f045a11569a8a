import shlex

import typer
import yaml

from atoll_control.cli import app
from atoll_control.delivery import render_delivery
from atoll_control.manifest import Smoke
from atoll_control.projects import Project

COMMANDS = typer.main.get_command(app).commands


def project(tmp_path, name: str, smoke: Smoke | None, *takes: str) -> Project:
    return Project(name, tmp_path / name, takes=takes, smoke=smoke)


def test_each_step_is_one_command_of_ours_with_options_that_it_has(tmp_path):
    projects = [project(tmp_path, "cars", Smoke('key:"cars/model" or +features', "2013-01-06"))]
    (job,) = yaml.safe_load(render_delivery(projects))["jobs"].values()
    for step in job["steps"]:
        assert step.keys() == {"name", "run"}
        program, verb, *arguments = shlex.split(step["run"])
        assert program == "./atoll"
        # It raises what a person would see who types that, and uses the list up.
        context = COMMANDS[verb].make_context(verb, arguments)
    wanted = {
        "location": "cars",
        "select": 'key:"cars/model" or +features',
        "partition": "2013-01-06",
        "env": "staging",
    }
    assert {name: context.params[name] for name in wanted} == wanted


def test_who_lends_is_tried_before_who_takes_and_who_asks_for_nothing_is_not(tmp_path):
    smoke = Smoke("it")
    projects = [
        project(tmp_path, "analysis", smoke, "flights/landed", "nobody/knows"),
        project(tmp_path, "empty", None),
        project(tmp_path, "flights", smoke, "zones/all"),
        project(tmp_path, "rounds", smoke, "weeks/all"),
        project(tmp_path, "weeks", smoke, "rounds/all"),
        project(tmp_path, "zones", smoke),
    ]
    (job,) = yaml.safe_load(render_delivery(projects))["jobs"].values()
    tried = [step["name"] for step in job["steps"] if step["name"].startswith("Try ")]
    assert tried == [f"Try {name}" for name in ("zones", "flights", "analysis", "weeks", "rounds")]


def test_a_merge_alone_sets_it_off_and_it_may_do_nothing_to_the_repository():
    workflow = yaml.safe_load(render_delivery([]))
    # YAML reads `on` as true.
    assert workflow[True] == {"push": {"branches": ["main"]}}
    assert workflow["permissions"] == {}
    assert workflow["concurrency"] == {"group": "delivery", "cancel-in-progress": False}
    (job,) = workflow["jobs"].values()
    assert "self-hosted" in job["runs-on"]
    assert not any("uses" in step for step in job["steps"])
