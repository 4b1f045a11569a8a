"""Weeks as the platform makes them, on the sample: a store, an instance, a plan and a clock of their own."""

from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import NamedTuple

import dagster as dg
import polars as pl
import pytest

from atoll import settings
from aviation_data import flights as flights_module
from aviation_data import source
from aviation_data.arrivals import VARIABLE
from aviation_data.definitions import defs

FLIGHTS, WEATHER = "aviation_data__flights", "aviation_data__weather"


class Platform:
    """A store and an instance, on a day that can be moved."""

    def __init__(self, folder: Path) -> None:
        self.patch = pytest.MonkeyPatch()
        self.instance = dg.DagsterInstance.ephemeral()
        self.cursor: str | None = None
        self.set("ATOLL_STORE", folder)
        self.set("ATOLL_PROFILE", "sample")
        self.patch.delenv(VARIABLE, raising=False)

    def set(self, name: str, value: object) -> None:
        self.patch.setenv(name, str(value))
        settings.cache_clear()

    def close(self) -> None:
        self.patch.undo()
        settings.cache_clear()
        self.instance.dispose()

    def look(self, day: str) -> list[str]:
        """Let the sensor look on a day, and return the weeks that it asks for."""
        self.set("ATOLL_TODAY", day)
        context = dg.build_sensor_context(self.instance, cursor=self.cursor, definitions=defs)
        tick = defs.resolve_sensor_def("new_weeks").evaluate_tick(context)
        self.cursor = tick.cursor
        return [request.partition_key for request in tick.run_requests or []]

    def make(self, week: str, day: str | None = None) -> dg.ExecuteInProcessResult:
        if day:
            self.set("ATOLL_TODAY", day)
        job = defs.resolve_job_def("weekly_job")
        return job.execute_in_process(instance=self.instance, partition_key=week, raise_on_error=False)

    def load(self, name: str, week: str) -> pl.DataFrame:
        return defs.load_asset_value(["aviation_data", name], instance=self.instance, partition_key=week)


@pytest.fixture
def platform(tmp_path: Path) -> Iterator[Platform]:
    made = Platform(tmp_path / "store")
    yield made
    made.close()


class Story(NamedTuple):
    asked: dict[str, list[str]]
    results: list[dg.ExecuteInProcessResult]
    tables: dict[tuple[str, str], pl.DataFrame]


@pytest.fixture(scope="module")
def story(tmp_path_factory) -> Iterator[Story]:
    """What happens from day to day: three weeks in time, one of them corrected, and one late."""
    platform = Platform(tmp_path_factory.mktemp("store"))
    platform.look("2013-03-17")
    asked, results, tables = {}, [], {}
    for day in ("2013-03-24", "2013-03-31", "2013-04-03", "2013-04-07", "2013-04-20", "2013-04-21", "2013-04-24"):
        asked[day] = platform.look(day)
        for week in asked[day]:
            results.append(platform.make(week))
            tables[day, week] = platform.load("flights", week)
    yield Story(asked, results, tables)
    platform.close()


def failed(result: dg.ExecuteInProcessResult) -> set[tuple[str, str]]:
    return {
        (check.asset_key.path[1], check.check_name)
        for check in result.get_asset_check_evaluations()
        if not check.passed
    }


def versions(result: dg.ExecuteInProcessResult, node: str) -> list[str]:
    return [event.tags["dagster/data_version"] for event in result.asset_materializations_for_node(node)]


def test_weeks_are_asked_for_when_they_arrive_once_for_each_delivery(story):
    assert story.asked == {
        "2013-03-24": ["2013-03-17"],
        "2013-03-31": ["2013-03-24"],
        "2013-04-03": ["2013-03-24"],
        "2013-04-07": ["2013-03-31"],
        "2013-04-20": [],
        "2013-04-21": ["2013-04-14"],
        "2013-04-24": ["2013-04-07"],
    }


def test_all_of_them_are_made_and_pass_every_check(story):
    assert [result.success for result in story.results] == [True] * 6
    assert [failed(result) for result in story.results] == [set()] * 6
    checked = {check.partition for result in story.results for check in result.get_asset_check_evaluations()}
    assert checked == {week for weeks in story.asked.values() for week in weeks}
    assert {len(result.get_asset_check_evaluations()) for result in story.results} == {11}


def test_a_correction_adds_the_arrivals_that_were_not_reported_and_nothing_else(story):
    first, second = story.tables["2013-03-31", "2013-03-24"], story.tables["2013-04-03", "2013-03-24"]
    arrivals = ["arr_time", "arr_delay", "air_time"]
    assert first.drop(arrivals).equals(second.drop(arrivals))
    assert first["arr_delay"].null_count() - second["arr_delay"].null_count() > 20
    reported = first["arr_delay"].is_not_null()
    assert first.filter(reported).equals(second.filter(reported))


def test_a_correction_changes_the_data_version_of_the_flights_and_not_of_the_weather(story):
    first, second = story.results[1:3]
    assert versions(first, FLIGHTS) != versions(second, FLIGHTS)
    assert versions(first, WEATHER) == versions(second, WEATHER) != versions(story.results[0], WEATHER)


def test_the_page_shows_day_by_day_what_was_reported_and_when_it_arrived(story):
    (event,) = story.results[0].asset_materializations_for_node(FLIGHTS)
    shown = {name: entry.value for name, entry in event.metadata.items()}
    assert shown["arrived"] == "2013-03-24"
    assert len(shown["days"].splitlines()) == 2 + 7 and "| Mon 2013-03-18 |" in shown["days"]
    assert 0 < shown["share without arrival delay"] < 0.1


def test_a_table_comes_back_with_its_types(story, sample):
    assert story.tables["2013-03-24", "2013-03-17"].equals(sample)


def test_the_same_delivery_made_again_is_the_same(platform):
    first, second = platform.make("2013-03-10", "2013-03-17"), platform.make("2013-03-10", "2013-03-20")
    assert versions(first, FLIGHTS) == versions(second, FLIGHTS)
    assert versions(first, WEATHER) == versions(second, WEATHER)


def test_the_full_profile_has_every_flight_of_the_week(platform, flights):
    platform.set("ATOLL_PROFILE", "full")
    result = platform.make("2013-03-17", "2013-03-24")
    assert result.success and failed(result) == set()
    assert platform.load("flights", "2013-03-17").equals(flights)


def test_a_week_that_has_not_arrived_fails_the_run_with_the_three_lines(platform):
    result = platform.make("2013-03-17", "2013-03-23")
    assert not result.success
    for node in (FLIGHTS, WEATHER):
        error = result.failure_data_for_node(node).error.to_string()
        assert "The week 2013-03-17 has not arrived." in error and "./atoll replay aviation_data --from" in error
        assert not result.asset_materializations_for_node(node)


def test_a_corrupt_delivery_is_stopped_and_the_next_one_mends_it(platform, write_plan):
    plan = '[[delivery]]\nweek = 2013-03-17\nfault = "corrupt"\n[[delivery]]\nweek = 2013-03-17\narrives = 2013-03-26\n'
    platform.set(VARIABLE, write_plan(plan))
    corrupt = platform.make("2013-03-17", "2013-03-24")
    assert not corrupt.success
    assert failed(corrupt) == {("flights", name) for name in ("schema", "one_row_a_flight", "delays_agree_with_times")}
    mended = platform.make("2013-03-17", "2013-03-26")
    assert mended.success and failed(mended) == set()


@pytest.fixture
def change(monkeypatch) -> Callable[..., None]:
    """Change what a function of a module returns."""

    def set(module: object, name: str, changed: Callable[[pl.DataFrame], pl.DataFrame]) -> None:
        original = getattr(module, name)
        monkeypatch.setattr(module, name, lambda *values: changed(original(*values)))

    return set


def test_a_day_without_flights_is_noticed(platform, change):
    change(source, "read_flights", lambda table: table.filter(pl.date("year", "month", "day") != date(2013, 3, 12)))
    result = platform.make("2013-03-10", "2013-03-17")
    assert not result.success and failed(result) == {("flights", "flights_every_day")}
    (found,) = [check for check in result.get_asset_check_evaluations() if not check.passed]
    assert found.description == "Each of 7 days is to have 40 to 135 flights: 2013-03-12 has 0."


def test_weather_that_lacks_an_airport_is_noticed(platform, change):
    change(source, "read_weather", lambda table: table.filter(pl.col("origin") != "EWR"))
    result = platform.make("2013-03-10", "2013-03-17")
    assert not result.success and failed(result) == {("weather", "covers_the_flights")}


def test_a_column_that_was_promised_and_is_gone_is_noticed(platform, change):
    change(flights_module, "clean_flights", lambda table: table.drop("distance"))
    result = platform.make("2013-03-10", "2013-03-17")
    assert not result.success and failed(result) == {("flights", "schema"), ("flights", "contract")}


def test_reference_data_are_made_and_pass_every_check(platform):
    keys = [dg.AssetKey(["aviation_data", name]) for name in ("airports", "planes", "airlines")]
    job = defs.resolve_implicit_global_asset_job_def()
    result = job.execute_in_process(instance=platform.instance, asset_selection=keys)
    assert result.success and failed(result) == set()
    assert len(result.get_asset_check_evaluations()) == 6
    assert defs.load_asset_value(keys[2], instance=platform.instance).height == 16
