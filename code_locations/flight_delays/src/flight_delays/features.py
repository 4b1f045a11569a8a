"""What is known of a flight before it departs."""

import pandas as pd

NEW_YORK = "America/New_York"

SCHEDULE = [
    "flight_id",
    "carrier",
    "flight",
    "tailnum",
    "origin",
    "dest",
    "distance",
    "sched_dep_time",
    "sched_arr_time",
]
"""Columns of `aviation_data/flights` that are known before departure; every other one is an outcome."""

READINGS = ["temp", "humid", "wind_speed", "pressure"]
"""Weather at the hour of the scheduled departure, in the units of `aviation_data/weather`."""

RECENT = "6h"

CATEGORIES = ["carrier", "origin"]
NUMBERS = [
    "minute_of_day",
    "distance",
    "scheduled_minutes",
    "flights_in_hour",
    "dest_lat",
    "dest_lon",
    "plane_age",
    "plane_seats",
    *READINGS,
    "recent_precip",
    "recent_visib",
]
KEYS = ["flight_id", "sched_dep_time", "flight", "dest"]


def build_features(
    flights: pd.DataFrame, weather: pd.DataFrame, planes: pd.DataFrame, airports: pd.DataFrame
) -> pd.DataFrame:
    """Build features of each flight, from what is known before its scheduled departure.

    The weather is what was observed at the origin up to the hour of the scheduled departure. Whoever asks earlier has
    a forecast instead: the observation stands in for it, and flatters a model to that extent.

    Whether a plane is known is not told: in the source its number is missing for cancelled flights alone.

    Args:
        flights: A week of flights; only the columns in `SCHEDULE` are read.
        weather: Hourly readings of the same week by `origin` and `time_hour`; readings may be missing.
        planes: `tailnum`, `year` of manufacture and `seats`; planes may be missing.
        airports: `faa`, `lat` and `lon`; destinations may be missing.

    Returns:
        One row a flight, ordered as `flights`: `KEYS`, `CATEGORIES` and `NUMBERS`. Numbers are floats; missing may be
        all but `minute_of_day` (New York time), `distance` (miles) and `flights_in_hour` (departures scheduled at the
        origin in the same hour). `scheduled_minutes` is from departure to arrival, `plane_age` in years;
        `recent_precip` (inches, sum) and `recent_visib` (miles, least) are of the six hours up to the departure's.
    """
    departure = flights["sched_dep_time"]
    local = departure.dt.tz_convert(NEW_YORK)
    hour = departure.dt.floor("h")
    plane = flights[["tailnum"]].merge(planes, on="tailnum", how="left", validate="many_to_one")
    place = flights[["dest"]].merge(airports, left_on="dest", right_on="faa", how="left", validate="many_to_one")
    reading = pd.DataFrame({"origin": flights["origin"], "time_hour": hour}).merge(
        summarize_weather(weather), on=["origin", "time_hour"], how="left", validate="many_to_one"
    )
    numbers = {
        "minute_of_day": local.dt.hour * 60 + local.dt.minute,
        "distance": flights["distance"],
        "scheduled_minutes": (flights["sched_arr_time"] - departure).dt.total_seconds() / 60,
        "flights_in_hour": departure.groupby([flights["origin"], hour]).transform("size"),
        "dest_lat": place["lat"],
        "dest_lon": place["lon"],
        "plane_age": local.dt.year.to_numpy() - plane["year"],
        "plane_seats": plane["seats"],
        **{name: reading[name] for name in (*READINGS, "recent_precip", "recent_visib")},
    }
    columns = {name: column.to_numpy(float) for name, column in numbers.items()}
    return flights[[*KEYS, *CATEGORIES]].assign(**columns).reset_index(drop=True)


def give_days(moments: pd.Series) -> pd.Series:
    """Give the days in New York, as text."""
    return moments.dt.tz_convert(NEW_YORK).dt.date.astype("str")


def summarize_weather(weather: pd.DataFrame) -> pd.DataFrame:
    """Summarize the readings of each origin up to each hour; none later is looked at.

    Returns:
        `origin`, `time_hour`, `READINGS`, and over the last six hours the sum of `precip` and the least `visib`.
    """
    ordered = weather.sort_values(["origin", "time_hour"], ignore_index=True)
    recent = ordered.groupby("origin").rolling(RECENT, on="time_hour")
    return ordered[["origin", "time_hour", *READINGS]].assign(
        recent_precip=recent["precip"].sum().to_numpy(), recent_visib=recent["visib"].min().to_numpy()
    )
