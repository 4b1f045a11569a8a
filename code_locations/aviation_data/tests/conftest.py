from collections.abc import Callable
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from aviation_data.flights import clean_flights, sample_flights
from aviation_data.source import find_source, read_airports, read_flights, scan_flights, scan_weather
from aviation_data.weather import clean_weather

WEEK = date(2013, 3, 17)


@pytest.fixture(scope="session")
def folder() -> Path:
    return find_source()


@pytest.fixture(scope="session")
def airports(folder: Path) -> pl.DataFrame:
    return read_airports(folder)


@pytest.fixture(scope="session")
def delivered(folder: Path) -> pl.DataFrame:
    """A week of flights as the source has them."""
    return read_flights(folder, WEEK)


@pytest.fixture(scope="session")
def flights(delivered: pl.DataFrame, airports: pl.DataFrame) -> pl.DataFrame:
    return clean_flights(delivered, airports)


@pytest.fixture(scope="session")
def sample(flights: pl.DataFrame) -> pl.DataFrame:
    return sample_flights(flights)


@pytest.fixture(scope="session")
def year_delivered(folder: Path) -> pl.DataFrame:
    return scan_flights(folder).collect()


@pytest.fixture(scope="session")
def year(year_delivered: pl.DataFrame, airports: pl.DataFrame) -> pl.DataFrame:
    """All flights, with the week that each is of."""
    day = pl.col("date")
    return clean_flights(year_delivered, airports).with_columns(week=day - pl.duration(days=day.dt.weekday() % 7))


@pytest.fixture(scope="session")
def year_of_weather(folder: Path) -> pl.DataFrame:
    return clean_weather(scan_weather(folder).collect())


@pytest.fixture
def write_plan(tmp_path: Path) -> Callable[[str], Path]:
    """Write a plan of arrivals."""

    def write(text: str) -> Path:
        path = tmp_path / "plan.toml"
        path.write_text(text)
        return path

    return write
