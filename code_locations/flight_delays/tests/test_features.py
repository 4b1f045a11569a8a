import made_up
import numpy as np
import pandas as pd
import pytest

from flight_delays.features import CATEGORIES, KEYS, NUMBERS, SCHEDULE, build_features, summarize_weather


def one(week: str, **changes: object) -> pd.DataFrame:
    return made_up.flights(week).head(1).assign(**changes)


def test_every_flight_has_its_features_in_order(weeks, build):
    flights = made_up.flights(weeks[0]).sample(frac=1, random_state=0)
    features = build(flights, made_up.weather(weeks[0]))
    assert features["flight_id"].tolist() == flights["flight_id"].tolist()
    assert list(features) == [*KEYS, *CATEGORIES, *NUMBERS]


def test_only_the_schedule_is_read(weeks, build):
    flights, weather = made_up.flights(weeks[0]), made_up.weather(weeks[0])
    pd.testing.assert_frame_equal(build(flights[SCHEDULE], weather), build(flights, weather))


@pytest.mark.parametrize(("utc", "minute"), [("2013-03-09T22:30Z", 17 * 60 + 30), ("2013-03-10T22:30Z", 18 * 60 + 30)])
def test_the_time_of_day_is_new_yorks_also_in_summer(build, utc, minute):
    departure = pd.Timestamp(utc).as_unit("us")
    flight = one("2013-03-10", sched_dep_time=departure, sched_arr_time=departure + pd.Timedelta(minutes=95))
    features = build(flight, made_up.weather("2013-03-10"))
    assert features["minute_of_day"].item() == minute
    assert features["scheduled_minutes"].item() == 95


def test_departures_of_the_same_hour_and_origin_are_counted(weeks, build):
    times = pd.to_datetime(["2013-01-01T15:00Z", "2013-01-01T15:59Z", "2013-01-01T16:00Z", "2013-01-01T15:30Z"])
    flights = made_up.flights(weeks[0]).head(4).assign(sched_dep_time=times, origin=["EWR", "EWR", "EWR", "JFK"])
    assert build(flights, made_up.weather(weeks[0]))["flights_in_hour"].tolist() == [2, 2, 1, 1]


def test_age_and_seats_are_of_the_plane_and_missing_where_it_is_not_known(weeks, build):
    flights = made_up.flights(weeks[1]).head(4).assign(tailnum=["N1", "N7", "N25", None])
    features = build(flights, made_up.weather(weeks[1]))
    np.testing.assert_equal(features["plane_age"].tolist(), [22, np.nan, np.nan, np.nan])
    np.testing.assert_equal(features["plane_seats"].tolist(), [100, 100, np.nan, np.nan])


def test_a_destination_or_a_reading_that_is_not_known_is_missing(weeks, build):
    features = build(one(weeks[0], dest="SJU"), made_up.weather(weeks[0]).head(0))
    assert features[["dest_lat", "dest_lon", "temp", "recent_precip"]].isna().all(axis=None)


def test_weather_is_summed_up_over_six_hours_up_to_the_own():
    hours = pd.date_range("2013-01-01T00:00Z", periods=8, freq="h").as_unit("us")
    columns = {"temp": 1.0, "humid": 1.0, "wind_speed": 1.0, "pressure": 1.0}
    table = pd.DataFrame({"time_hour": hours, "precip": range(1, 9), "visib": [9.0, 2, 8, 7, 6, 5, 4, 3], **columns})
    both = pd.concat([table.assign(origin="JFK", precip=0), table.assign(origin="EWR")])
    summary = summarize_weather(both.sample(frac=1, random_state=0))
    newark = summary[summary["origin"] == "EWR"]
    assert newark["recent_precip"].tolist() == [1, 3, 6, 10, 15, 21, 27, 33]
    assert newark["recent_visib"].tolist() == [9, 2, 2, 2, 2, 2, 2, 3]
    assert summary.loc[summary["origin"] == "JFK", "recent_precip"].eq(0).all()


def test_an_hour_without_reading_is_not_made_up_for_by_an_older_one():
    hours = pd.to_datetime(["2013-01-01T00:00Z", "2013-01-01T09:00Z"])
    columns = {"temp": 1.0, "humid": 1.0, "wind_speed": 1.0, "pressure": 1.0, "visib": 10.0}
    table = pd.DataFrame({"origin": "EWR", "time_hour": hours, "precip": [5.0, 1.0], **columns})
    assert summarize_weather(table)["recent_precip"].tolist() == [5, 1]


def test_two_planes_of_one_number_are_refused(weeks):
    planes = pd.concat([made_up.planes(), made_up.planes()])
    with pytest.raises(pd.errors.MergeError):
        build_features(made_up.flights(weeks[0]), made_up.weather(weeks[0]), planes, made_up.airports())
