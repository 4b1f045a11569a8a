from datetime import date, datetime, timedelta, timezone

import polars as pl
import pytest

from aviation_data.flights import (
    clean_flights,
    count_by_day,
    find_odd_days,
    name_flights,
    sample_flights,
    tabulate_days,
)
from aviation_data.source import FLIGHTS
from aviation_data.weeks import list_days

FLIGHT = {
    "year": 2013,
    "month": 3,
    "day": 8,
    "dep_time": 1002,
    "sched_dep_time": 1000,
    "dep_delay": 2.0,
    "arr_time": 1125,
    "sched_arr_time": 1130,
    "arr_delay": -5.0,
    "carrier": "UA",
    "flight": 7,
    "tailnum": "N1",
    "origin": "EWR",
    "dest": "ORD",
    "air_time": 120.0,
    "distance": 719,
}
AIRPORTS = pl.DataFrame(
    {
        "faa": ["ORD", "LAX", "BOS", "PHX"],
        "tzone": ["America/Chicago", "America/Los_Angeles", "America/New_York", "America/Phoenix"],
    }
)


def utc(day: int, hour: int, minute: int = 0, month: int = 3) -> datetime:
    return datetime(2013, month, day, hour, minute, tzinfo=timezone.utc)


def clean(**changes: object) -> dict:
    return clean_flights(pl.DataFrame([{**FLIGHT, **changes}], schema=FLIGHTS), AIRPORTS).row(0, named=True)


def test_times_are_read_on_the_clock_of_the_airport_where_they_happen():
    flight = clean()
    assert flight["flight_id"] == "2013-03-08 UA7 EWR"
    assert (flight["sched_dep_time"], flight["dep_time"]) == (utc(8, 15), utc(8, 15, 2))
    assert (flight["sched_arr_time"], flight["arr_time"]) == (utc(8, 17, 30), utc(8, 17, 25))
    assert (flight["date"], flight["hour"], flight["time_hour"]) == (date(2013, 3, 8), 10, utc(8, 15))


@pytest.mark.parametrize(
    ("day", "month", "departure", "arrival"),
    [
        (9, 3, utc(9, 15), utc(9, 17, 30)),
        (10, 3, utc(10, 14), utc(10, 16, 30)),
        (2, 11, utc(2, 14, month=11), utc(2, 16, 30, month=11)),
        (3, 11, utc(3, 15, month=11), utc(3, 17, 30, month=11)),
    ],
)
def test_summer_time_begins_and_ends_when_it_does(day, month, departure, arrival):
    flight = clean(day=day, month=month)
    assert (flight["sched_dep_time"], flight["sched_arr_time"]) == (departure, arrival)


def test_a_place_without_summer_time_keeps_its_clock():
    assert clean(dest="PHX", sched_arr_time=1300)["sched_arr_time"] == utc(8, 20)
    assert clean(day=20, dest="PHX", sched_arr_time=1300)["sched_arr_time"] == utc(20, 20)
    assert clean(dest="SJU", sched_arr_time=1500)["sched_arr_time"] == utc(8, 19)


@pytest.mark.parametrize(
    ("dest", "departure", "arrival", "landed"),
    [
        ("LAX", 2100, 30, utc(9, 8, 30)),
        ("BOS", 2300, 2400, utc(9, 5)),
        ("BOS", 2350, 55, utc(9, 5, 55)),
        ("ORD", 615, 600, utc(8, 12)),
    ],
)
def test_an_arrival_is_the_first_such_moment_after_the_departure(dest, departure, arrival, landed):
    flight = clean(dest=dest, sched_dep_time=departure, dep_delay=0.0, arr_time=arrival, sched_arr_time=arrival)
    assert flight["sched_arr_time"] == flight["arr_time"] == landed


def test_a_delay_past_midnight_moves_the_day_of_departure_and_of_arrival():
    flight = clean(sched_dep_time=2200, dep_time=130, dep_delay=210.0, sched_arr_time=2330, arr_time=255)
    assert (flight["dep_time"], flight["arr_time"]) == (utc(9, 6, 30), utc(9, 8, 55))


def test_an_hour_that_summer_time_skips_is_no_time():
    assert clean(day=9, sched_dep_time=2330, dep_delay=0.0, dest="BOS", arr_time=230)["arr_time"] is None


def test_a_cancelled_flight_has_a_schedule_and_no_outcome():
    flight = clean(dep_time=None, dep_delay=None, arr_time=None, arr_delay=None, air_time=None, tailnum=None)
    assert flight["cancelled"] is True
    outcomes = ("dep_time", "dep_delay", "arr_time", "arr_delay", "air_time")
    assert {flight[name] for name in outcomes} == {None}
    assert flight["sched_arr_time"] == utc(8, 17, 30)


def test_where_the_time_zone_is_not_known_arrivals_have_no_time():
    flight = clean(dest="ZZZ")
    assert flight["sched_arr_time"] is None and flight["arr_time"] is None
    assert flight["arr_delay"] == -5.0


def test_hours_in_utc_are_those_of_the_source_all_year(folder, year):
    from zipfile import ZipFile

    with ZipFile(folder / "flights.csv.zip") as archive:
        source = pl.read_csv(archive.read("flights.csv"), null_values="NA", infer_schema_length=None)
    hours = source.select(name_flights(), hour=pl.col("time_hour").str.to_datetime(time_unit="us", time_zone="UTC"))
    joined = year.join(hours.rename({"hour": "of_source"}), on="flight_id", validate="1:1")
    assert joined.height == year.height
    assert joined.filter(pl.col("time_hour") != pl.col("of_source")).is_empty()


def test_times_agree_with_delays_all_year(year):
    known = year.drop_nulls(["arr_time", "arr_delay"])
    assert (known.height, year["arr_delay"].count()) == (327_345, 327_346)
    minutes = (known["arr_time"] - known["sched_arr_time"]).dt.total_minutes()
    assert (minutes == known["arr_delay"]).all()
    on_the_ground = (known["arr_time"] - known["dep_time"]).dt.total_minutes() - known["air_time"]
    assert on_the_ground.min() == 5 and 20 < on_the_ground.median() < 40


def test_a_plane_is_missing_for_cancelled_flights_alone(year):
    assert year.filter(pl.col("tailnum").is_null(), ~pl.col("cancelled")).is_empty()
    assert year["tailnum"].null_count() == 2_512


def test_no_flight_is_there_twice_in_the_year(year):
    assert year["flight_id"].n_unique() == year.height == 336_776


def test_the_sample_is_about_a_tenth_and_the_same_whatever_else_is_there(flights):
    sample = sample_flights(flights)
    assert 0.08 < sample.height / flights.height < 0.12
    shuffled = flights.sample(fraction=1, shuffle=True, seed=3)
    assert sample_flights(shuffled).sort("sched_dep_time", "flight_id").equals(sample)
    some = flights.head(2_000)
    assert sample_flights(some).equals(sample.join(some, on="flight_id", how="semi"))


def test_days_are_counted_with_what_was_reported():
    flights = pl.DataFrame(
        {
            "date": [date(2013, 3, 18), date(2013, 3, 17), date(2013, 3, 17)],
            "cancelled": [True, False, False],
            "arr_delay": [None, 4.0, 10.0],
        }
    )
    assert tabulate_days(count_by_day(flights)).splitlines()[2:] == [
        "| Sun 2013-03-17 | 2 | 0 | 0 | 0.0% | 7.0 |",
        "| Mon 2013-03-18 | 1 | 1 | 1 | 100.0% |  |",
    ]


def test_days_that_are_odd_are_found():
    week = list_days(date(2013, 3, 17))
    days = [day for day in week for _ in range(10)]
    assert find_odd_days(pl.DataFrame({"date": days}), week, 10, 10) == {}
    stranger = week[-1] + timedelta(days=1)
    odd = find_odd_days(pl.DataFrame({"date": [*days[10:-1], *days[10:13], stranger]}), week, 9, 12)
    assert odd == {week[0]: 0, week[1]: 13, stranger: 1}
