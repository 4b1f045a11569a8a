"""Flights and weather that never were, in the shape of the contracts; delays follow hour, carrier and rain."""

from datetime import date, timedelta

import numpy as np
import pandas as pd

CARRIERS = ["AA", "B6", "UA"]
ORIGINS = ["EWR", "JFK", "LGA"]
DESTINATIONS = ["IAH", "LAX", "ORD", "SJU"]
PLANES = [f"N{number}" for number in range(30)]


def planes() -> pd.DataFrame:
    known = PLANES[:20]
    text = dict.fromkeys(("type", "manufacturer", "model", "engine"), "some")
    year = np.where(np.arange(20) % 7 == 0, np.nan, 1990.0 + np.arange(20))
    return pd.DataFrame({"tailnum": known, "year": year, **text, "engines": 2, "seats": 100, "speed": np.nan})


def airports() -> pd.DataFrame:
    faa = DESTINATIONS[:3]
    places = {"lat": [29.98, 33.94, 41.98], "lon": [-95.34, -118.41, -87.9], "alt": 100, "tz": -6}
    return pd.DataFrame({"faa": faa, "name": faa, **places, "dst": "A", "tzone": "America/Chicago"})


def airlines() -> pd.DataFrame:
    return pd.DataFrame({"carrier": CARRIERS[:2], "name": ["American Airlines Inc.", "JetBlue Airways"]})


def weather(week: str) -> pd.DataFrame:
    """Every hour of a week at each origin; it rains on some days."""
    rng = _rng(week, 1)
    start = pd.Timestamp(week, tz="America/New_York").tz_convert("UTC")
    hours = pd.date_range(start, periods=7 * 24, freq="h").as_unit("us")
    rain = np.repeat(rng.random(7) < 0.4, 24) * rng.uniform(0, 0.5, 7 * 24)
    readings = {
        "temp": 50 + rng.normal(0, 10, len(hours)),
        "dewp": 40.0,
        "humid": 60.0,
        "wind_dir": np.nan,
        "wind_speed": rng.uniform(0, 30, len(hours)),
        "wind_gust": np.nan,
        "precip": rain,
        "pressure": 1_015.0,
        "visib": 10 - 15 * rain,
    }
    tables = [pd.DataFrame({"origin": origin, "time_hour": hours, **readings}) for origin in ORIGINS]
    return pd.concat(tables, ignore_index=True)


def flights(week: str, number: int = 210) -> pd.DataFrame:
    """Some flights on each day of a week; some are cancelled, and one is diverted."""
    rng = _rng(week, 2)
    first = date.fromisoformat(week)
    days = [first + timedelta(days=int(day)) for day in np.sort(np.arange(number) % 7)]
    minutes = rng.integers(6 * 60, 22 * 60, number)
    local = pd.to_datetime(days) + pd.to_timedelta(minutes, unit="min")
    departure = local.tz_localize("America/New_York").tz_convert("UTC").as_unit("us")
    table = pd.DataFrame(
        {
            "date": days,
            "carrier": rng.choice(CARRIERS, number),
            "flight": rng.integers(1, 40, number),
            "origin": rng.choice(ORIGINS, number),
            "dest": rng.choice(DESTINATIONS, number),
            "distance": rng.integers(200, 2_500, number),
            "sched_dep_time": departure,
            "sched_arr_time": departure + pd.Timedelta(hours=3),
            "hour": minutes // 60,
            "time_hour": departure.floor("h"),
            "tailnum": rng.choice(PLANES, number),
            "cancelled": rng.random(number) < 0.03,
        }
    )
    table["flight_id"] = [f"{week} {row:04}" for row in range(number)]
    known = weather(week)[["origin", "time_hour", "precip"]]
    rain = table.merge(known, on=["origin", "time_hour"], how="left")["precip"].to_numpy()
    slow = (table["carrier"] == "B6").to_numpy()
    delay = np.round(rng.normal(-12, 15, number) + 1.5 * (minutes / 60 - 6) + 80 * rain + 10 * slow)
    diverted = np.arange(number) == number // 2
    gone = table["cancelled"].to_numpy()
    table["dep_delay"] = np.where(gone, np.nan, delay)
    table["arr_delay"] = np.where(gone | diverted, np.nan, delay)
    table["air_time"] = np.where(gone | diverted, np.nan, 170.0)
    table["dep_time"] = table["sched_dep_time"] + pd.to_timedelta(table["dep_delay"], unit="min").dt.as_unit("us")
    table["arr_time"] = table["sched_arr_time"] + pd.to_timedelta(table["arr_delay"], unit="min").dt.as_unit("us")
    table["tailnum"] = table["tailnum"].mask(table["cancelled"])
    return table.sort_values(["sched_dep_time", "flight_id"], ignore_index=True)


def _rng(week: str, purpose: int) -> np.random.Generator:
    return np.random.default_rng([int(week.replace("-", "")), purpose])
