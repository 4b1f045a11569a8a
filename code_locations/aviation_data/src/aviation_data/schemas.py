"""What tables must look like, for checks that block what is downstream."""

import pandera.polars as pa
import polars as pl

INSTANT = pl.Datetime("us", "UTC")

FEWEST_MINUTES_LATE = -120
MOST_MINUTES_LATE = 24 * 60
LONGEST_DISTANCE_MI = 5_000
LONGEST_FLIGHT_MINUTES = 12 * 60

_ORIGIN = pa.Column(pl.String, pa.Check.isin(["EWR", "JFK", "LGA"]))
_TEXT = pa.Column(pl.String)
_TIME = pa.Column(INSTANT)
_TIME_OR_MISSING = pa.Column(INSTANT, nullable=True)
_DELAY = pa.Column(pl.Float64, pa.Check.in_range(FEWEST_MINUTES_LATE, MOST_MINUTES_LATE), nullable=True)


def _number(low: float, high: float, nullable: bool = True) -> pa.Column:
    return pa.Column(pl.Float64, pa.Check.in_range(low, high), nullable=nullable)


FLIGHTS = pa.DataFrameSchema(
    {
        "flight_id": _TEXT,
        "date": pa.Column(pl.Date),
        "carrier": pa.Column(pl.String, pa.Check.str_matches(r"^[0-9A-Z]{2}$")),
        "flight": pa.Column(pl.Int64, pa.Check.in_range(1, 9_999)),
        "origin": _ORIGIN,
        "dest": pa.Column(pl.String, pa.Check.str_matches(r"^[A-Z]{3}$")),
        "distance": pa.Column(pl.Int64, pa.Check.in_range(1, LONGEST_DISTANCE_MI)),
        "sched_dep_time": _TIME,
        "sched_arr_time": _TIME,
        "hour": pa.Column(pl.Int64, pa.Check.in_range(0, 23)),
        "time_hour": _TIME,
        "tailnum": pa.Column(pl.String, nullable=True),
        "cancelled": pa.Column(pl.Boolean),
        "dep_time": _TIME_OR_MISSING,
        "dep_delay": _DELAY,
        "arr_time": _TIME_OR_MISSING,
        "arr_delay": _DELAY,
        "air_time": _number(1, LONGEST_FLIGHT_MINUTES),
    },
    strict=True,
)
"""Flights. Delays are between two hours early and a day late: in seconds they would not be."""

WEATHER = pa.DataFrameSchema(
    {
        "origin": _ORIGIN,
        "time_hour": _TIME,
        "temp": _number(-40, 130),
        "dewp": _number(-60, 100),
        "humid": _number(0, 100),
        "wind_dir": _number(0, 360),
        "wind_speed": _number(0, 100),
        "wind_gust": _number(0, 150),
        "precip": _number(0, 5, nullable=False),
        "pressure": _number(900, 1_100),
        "visib": _number(0, 10, nullable=False),
    },
    strict=True,
    unique=["origin", "time_hour"],
)
"""Readings, one an airport and hour."""

AIRPORTS = pa.DataFrameSchema(
    {
        "faa": pa.Column(pl.String, pa.Check.str_matches(r"^[0-9A-Z]{3}$"), unique=True),
        "name": _TEXT,
        "lat": _number(-90, 90, nullable=False),
        "lon": _number(-180, 180, nullable=False),
        "alt": pa.Column(pl.Int64, pa.Check.in_range(-500, 15_000)),
        "tz": pa.Column(pl.Int64, pa.Check.in_range(-12, 14)),
        "dst": pa.Column(pl.String, pa.Check.isin(["A", "N", "U"])),
        "tzone": pa.Column(pl.String, nullable=True),
    },
    strict=True,
)

PLANES = pa.DataFrameSchema(
    {
        "tailnum": pa.Column(pl.String, unique=True),
        "year": _number(1930, 2013),
        "type": _TEXT,
        "manufacturer": _TEXT,
        "model": _TEXT,
        "engines": pa.Column(pl.Int64, pa.Check.in_range(1, 4)),
        "seats": pa.Column(pl.Int64, pa.Check.in_range(1, 600)),
        "speed": _number(0, 1_000),
        "engine": _TEXT,
    },
    strict=True,
)

AIRLINES = pa.DataFrameSchema(
    {"carrier": pa.Column(pl.String, pa.Check.str_matches(r"^[0-9A-Z]{2}$"), unique=True), "name": _TEXT}, strict=True
)
