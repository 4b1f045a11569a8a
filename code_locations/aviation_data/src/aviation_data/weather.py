"""The weather at the airports of departure, hour by hour."""

from datetime import datetime, timezone
from typing import NamedTuple

import polars as pl

from atoll import logger

STRONGEST_WIND_MPH = 200
"""The source has one reading of 1,048 miles per hour, and else at most 43."""

ENDS = datetime(2013, 12, 30, 23, tzinfo=timezone.utc)
"""The last hour that the source has a reading of."""


class Coverage(NamedTuple):
    """How many flights there were until the readings end, how many of them have a reading, and how many came after."""

    flights: int
    covered: int
    after: int

    @property
    def share(self) -> float:
        """Share of the flights that have a reading, of those until the readings end."""
        return self.covered / self.flights if self.flights else 0.0


def clean_weather(delivered: pl.DataFrame) -> pl.DataFrame:
    """Give readings their types and order; a wind speed that cannot be is missing.

    Args:
        delivered: Readings as the source has them.

    Returns:
        The same rows, ordered by `time_hour` (UTC) and `origin`.
    """
    weather = delivered.with_columns(
        pl.col("time_hour").str.to_datetime(time_unit="us", time_zone="UTC"),
        wind_speed=pl.when(pl.col("wind_speed") <= STRONGEST_WIND_MPH).then("wind_speed"),
    ).sort("time_hour", "origin")
    logger.info("cleaned weather", rows=weather.height)
    return weather


def measure_coverage(weather: pl.DataFrame, flights: pl.DataFrame) -> Coverage:
    """Count the flights that have a reading of their airport in the hour of their scheduled departure.

    Args:
        weather: Readings with `origin` and `time_hour`.
        flights: Flights of the same week, with the same two columns.
    """
    until = flights.filter(pl.col("time_hour") <= ENDS)
    covered = until.join(weather, on=["origin", "time_hour"], how="semi")
    return Coverage(until.height, covered.height, flights.height - until.height)
