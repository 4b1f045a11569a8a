from datetime import datetime, timedelta, timezone

import polars as pl
import pytest

from aviation_data.defs.weather import LEAST_COVERED
from aviation_data.weather import ENDS, clean_weather, measure_coverage

HOUR = datetime(2013, 3, 17, 12, tzinfo=timezone.utc)


def at(*hours: int, start: datetime = HOUR) -> pl.DataFrame:
    times = [start + timedelta(hours=hour) for hour in hours]
    schema = {"origin": pl.String, "time_hour": pl.Datetime("us", "UTC")}
    return pl.DataFrame({"origin": ["JFK"] * len(times), "time_hour": times}, schema=schema)


def test_readings_are_one_an_airport_and_hour_all_year(year_of_weather):
    assert year_of_weather.select("origin", "time_hour").n_unique() == year_of_weather.height == 26_115
    assert year_of_weather["time_hour"].max() == ENDS


def test_a_wind_that_cannot_be_is_missing_and_other_winds_stay(year_of_weather):
    hours = [f"2013-02-12T0{hour}:00:00Z" for hour in range(3)]
    delivered = pl.DataFrame({"origin": ["EWR"] * 3, "time_hour": hours, "wind_speed": [1048.4, 40.0, None]})
    assert clean_weather(delivered)["wind_speed"].to_list() == [None, 40.0, None]
    assert year_of_weather["wind_speed"].null_count() == 5
    assert 40 < year_of_weather["wind_speed"].max() < 45


def test_coverage_counts_flights_by_airport_and_hour():
    flights = pl.concat([at(0, 0, 1, 2), at(0).with_columns(origin=pl.lit("LGA"))])
    assert measure_coverage(at(0, 2), flights) == (5, 3, 0)
    assert measure_coverage(at(0, 2), flights).share == pytest.approx(0.6)


def test_flights_after_the_last_reading_of_the_source_are_counted_apart():
    coverage = measure_coverage(at(0, start=ENDS), at(0, 1, 2, start=ENDS))
    assert (coverage, coverage.share) == ((1, 1, 2), 1.0)


def test_no_flights_are_not_covered():
    assert measure_coverage(at(0), at()).share == 0.0


def test_every_week_of_the_year_is_covered_and_the_whole_is_what_the_description_says(year, year_of_weather):
    coverage = {week: measure_coverage(year_of_weather, flights) for (week,), flights in year.group_by("week")}
    shares = sorted(found.share for found in coverage.values())
    assert len(shares) == 53
    assert shares[0] == pytest.approx(0.9693, abs=1e-4) and shares[0] > LEAST_COVERED
    assert sum(found.covered for found in coverage.values()) / year.height == pytest.approx(0.9954, abs=1e-4)
    assert sum(found.after for found in coverage.values()) == 932
