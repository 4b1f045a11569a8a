"""The running platform: every location, one page; what it refuses."""

import os
import re
import signal
import socket
import subprocess

import yaml

from atoll_control.graphql import Page
from dev import find_free_port
from runs import checks, list_assets, materializations, messages, status
from waiting import LIMIT, wait_until

SCHEDULES = """{ workspaceOrError { ... on Workspace { locationEntries { name locationOrLoadError {
  ... on RepositoryLocation { repositories { schedules { cronSchedule scheduleState { status } } } } } } } } }"""


def test_every_location_is_loaded(platform):
    assert {location.name: location.error for location in platform.page.locations()} == dict.fromkeys(
        platform.clone.locations
    )
    assert {asset.location for asset in list_assets(platform.page)} == set(platform.clone.locations)


def test_keys_start_with_the_location_and_no_group_is_of_two(platform):
    assets = list_assets(platform.page)
    assert [asset.key for asset in assets if asset.key[0] != asset.location] == []
    groups = {asset.group: {other.location for other in assets if other.group == asset.group} for asset in assets}
    # The page draws assets of one group in one box, whichever location they are of.
    assert {group: locations for group, locations in groups.items() if len(locations) > 1} == {}


def test_runs_started_in_the_page_make_everything_and_pass_every_check(platform, sample_runs):
    for location, run in sample_runs.items():
        assert status(platform.page, run) == "SUCCESS", messages(platform.page, run)
        expected = {asset.key for asset in list_assets(platform.page) if asset.location == location}
        assert set(materializations(platform.page, run)) == expected
        assert set(checks(platform.page, run).values()) == {True}


def test_the_runs_had_different_packages_under_a_webserver_that_has_neither(platform, sample_runs):
    packages = {
        location: next(
            value
            for metadata in materializations(platform.page, run).values()
            for value in metadata.values()
            if isinstance(value, dict) and "pandas" in value
        )
        for location, run in sample_runs.items()
    }
    prices, recommendations = packages["vehicle_prices"], packages["product_recommendations"]
    assert prices["pandas"].startswith("1.5.")
    assert prices["scikit-learn"] == "1.2.1"
    assert int(recommendations["pandas"].partition(".")[0]) >= 2
    assert recommendations.get("scikit-learn") != "1.2.1"
    probe = "import importlib.util as u, sys; sys.exit(any(map(u.find_spec, sys.argv[1:])))"
    names = ["pandas", "sklearn", "numpy", "atoll", *platform.clone.locations]
    webserver = platform.clone.run(platform.clone.root / ".venv" / "bin" / "python", "-c", probe, *names)
    assert webserver.code == 0, webserver.text


def test_every_location_has_a_schedule_that_is_switched_off_and_the_projects_look_on_mondays(platform):
    found = {
        entry["name"]: [
            schedule
            for repository in entry["locationOrLoadError"]["repositories"]
            for schedule in repository["schedules"]
        ]
        for entry in platform.page.ask(SCHEDULES)["workspaceOrError"]["locationEntries"]
    }
    assert sorted(found) == platform.clone.locations
    for location, schedules in found.items():
        assert {schedule["scheduleState"]["status"] for schedule in schedules} == {"STOPPED"}
        days = [schedule["cronSchedule"].split()[4] for schedule in schedules]
        assert set(days) == {"1"} or location == "operations"


def test_a_second_dev_is_refused_and_the_first_goes_on(platform):
    refused = platform.clone.atoll("dev", "--port", str(find_free_port()))
    assert refused.code == 2
    where = f"{platform.page.address}, Dagster is process {platform.group}"
    assert refused.stderr.splitlines() == [
        "what: the platform of this checkout runs already.",
        f"why:  another ./atoll dev holds .atoll/dev.lock ({where}).",
        "how:  use that one, or end it with Ctrl-C in its terminal first.",
    ]
    assert all(location.loaded for location in platform.page.locations())


def test_a_port_in_use_is_refused_with_one_that_is_free(idle_clone):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        refused = idle_clone.atoll("dev", "--port", str(port))
    assert refused.code == 2
    what, why, how = refused.stderr.splitlines()
    assert what == f"what: port {port} is in use."
    assert why == "why:  another program listens on 127.0.0.1 at it."
    assert re.fullmatch(r"how:  \./atoll dev --port \d+", how)
    with socket.socket() as free:
        free.bind(("127.0.0.1", int(how.rpartition(" ")[2])))


def test_plain_dagster_dev_at_the_root_shows_the_same_runs(idle_clone, sample_runs):
    page = Page.local(find_free_port())
    dagster = subprocess.Popen(
        [".venv/bin/dagster", "dev", "-p", page.address.rpartition(":")[2]],
        cwd=idle_clone.root,
        env=idle_clone.environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        wait_until(lambda: answers(page), "the page of dagster dev")
        wait_until(lambda: len(page.locations()) == len(idle_clone.locations), "the locations")
        assert all(location.loaded for location in page.locations()), page.locations()
        for run in sample_runs.values():
            assert status(page, run) == "SUCCESS"
        assert idle_clone.run("git", "status", "--porcelain").text == ""
    finally:
        os.killpg(dagster.pid, signal.SIGINT)
        dagster.wait(LIMIT)


def answers(page: Page) -> bool:
    try:
        return bool(page.locations())
    except OSError:
        return False


def test_dg_checks_the_definitions_at_the_root_and_lists_them_in_each_project(clone):
    checked = clone.run(".venv/bin/dg", "check", "defs")
    assert checked.code == 0, checked.text
    for location in clone.locations:
        folder = clone.root / "code_locations" / location
        listed = clone.uv("run", "--locked", "dg", "list", "defs", "--json", cwd=folder)
        assert listed.code == 0, listed.text
        assert f'"{location}/' in listed.stdout


def test_the_weeks_of_a_backfill_are_made_one_after_the_other(clone):
    """The gate of a week looks at what the weeks before have left."""
    settings = yaml.safe_load((clone.root / "dagster.yaml").read_text())
    limits = settings["run_coordinator"]["config"]["tag_concurrency_limits"]
    one_each = {"value": {"applyLimitPerUniqueValue": True}, "limit": 1}
    assert [limit for limit in limits if limit["key"] == "dagster/backfill"] == [
        {"key": "dagster/backfill", **one_each}
    ]
