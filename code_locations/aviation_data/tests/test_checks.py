from datetime import datetime, timezone

import dagster as dg
import polars as pl
import pytest

from aviation_data.defs.flight_checks import (
    airlines_are_known,
    airports_are_known,
    arrivals_are_reported,
    delays_agree_with_times,
    one_row_a_flight,
)
from aviation_data.defs.weather import covers_the_flights
from aviation_data.faults import apply_fault
from aviation_data.flights import clean_flights
from aviation_data.weather import ENDS


def judge(check: dg.AssetChecksDefinition, *values: object) -> dg.AssetCheckResult:
    result = check(*values)
    assert isinstance(result, dg.AssetCheckResult)
    return result


@pytest.fixture(scope="module")
def corrupt(delivered, airports) -> pl.DataFrame:
    return clean_flights(apply_fault(delivered, "corrupt"), airports)


@pytest.mark.parametrize(("ids", "passed"), [(["a", "b"], True), (["a", "b", "a"], False)])
def test_a_flight_that_is_there_twice_fails(ids, passed):
    assert judge(one_row_a_flight, pl.DataFrame({"flight_id": ids})).passed is passed


@pytest.mark.parametrize(("missing", "passed"), [(25, True), (26, False)])
def test_too_many_flights_without_an_arrival_fail(missing, passed):
    delays = [None] * missing + [1.0] * (100 - missing)
    assert judge(arrivals_are_reported, pl.DataFrame({"arr_delay": delays})).passed is passed


def test_no_flights_at_all_fail():
    assert not judge(arrivals_are_reported, pl.DataFrame({"arr_delay": []})).passed


def test_in_the_worst_week_an_incomplete_delivery_is_still_reported_enough(year_delivered, airports, year):
    worst = year.group_by("week").agg(share=pl.col("arr_delay").is_null().mean()).sort("share").row(-1, named=True)
    assert worst["share"] == pytest.approx(0.1539, abs=1e-4)
    day = pl.date("year", "month", "day")
    week = year_delivered.filter(day >= worst["week"], day < worst["week"] + pl.duration(days=7))
    incomplete = clean_flights(apply_fault(week, "incomplete"), airports)
    assert judge(arrivals_are_reported, incomplete).passed
    assert judge(delays_agree_with_times, incomplete).passed


def test_a_delay_in_seconds_disagrees_with_the_times(flights, corrupt):
    assert judge(delays_agree_with_times, flights).passed
    assert not judge(delays_agree_with_times, corrupt).passed
    assert not judge(one_row_a_flight, corrupt).passed


def test_delays_without_any_time_fail(flights):
    assert not judge(delays_agree_with_times, flights.head(0)).passed


def test_a_carrier_that_no_airline_has_warns(flights):
    result = judge(airlines_are_known, flights.with_columns(carrier=pl.lit("ZZ")))
    assert (result.passed, result.severity) == (False, dg.AssetCheckSeverity.WARN)
    assert result.description == "Carriers that no airline has: ZZ."
    assert judge(airlines_are_known, flights).passed


@pytest.mark.parametrize(("unknown", "passed"), [(5, True), (6, False)])
def test_many_flights_to_airports_that_are_not_known_warn(unknown, passed):
    result = judge(airports_are_known, pl.DataFrame({"dest": ["SJU"] * unknown + ["BOS"] * (100 - unknown)}))
    assert (result.passed, result.severity) == (passed, dg.AssetCheckSeverity.WARN)


@pytest.mark.parametrize(("covered", "passed"), [(95, True), (94, False)])
def test_flights_without_weather_fail(covered, passed):
    hour = datetime(2013, 3, 17, 12, tzinfo=timezone.utc)
    weather = pl.DataFrame({"origin": ["JFK"], "time_hour": [hour]})
    flights = pl.DataFrame({"origin": ["JFK"] * covered + ["EWR"] * (100 - covered), "time_hour": [hour] * 100})
    assert judge(covers_the_flights, weather, flights).passed is passed


def test_flights_after_the_last_reading_of_the_source_are_told_and_do_not_fail(year, year_of_weather):
    last = year.filter(pl.col("week") == year["week"].max())
    result = judge(covers_the_flights, year_of_weather, last)
    assert result.passed
    assert result.description == (
        "100.00% of 1,700 flights have their weather; 932 more left after the last reading of the source."
    )
    cut = year_of_weather.filter(pl.col("time_hour") < ENDS.replace(hour=5))
    assert not judge(covers_the_flights, cut, last).passed
