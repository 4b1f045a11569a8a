"""From a delivery of flights to one row a flight, with types, a key and times in UTC."""

from collections.abc import Sequence
from datetime import date

import polars as pl

from atoll import logger
from aviation_data.draws import draw
from aviation_data.source import NEW_YORK

SAMPLE_SHARE = 0.1

COLUMNS = [
    "flight_id",
    "date",
    "carrier",
    "flight",
    "origin",
    "dest",
    "distance",
    "sched_dep_time",
    "sched_arr_time",
    "hour",
    "time_hour",
    "tailnum",
    "cancelled",
    "dep_time",
    "dep_delay",
    "arr_time",
    "arr_delay",
    "air_time",
]

ZONES_NOT_IN_AIRPORTS = dict.fromkeys(("BQN", "PSE", "SJU", "STT"), "America/Puerto_Rico")
"""Destinations in Puerto Rico and the Virgin Islands, which the source's airports lack; they keep no summer time."""


def name_flights() -> pl.Expr:
    """The key of each flight of the source: day, carrier with flight number, and origin."""
    return pl.format("{} {}{} {}", pl.date("year", "month", "day"), "carrier", "flight", "origin").alias("flight_id")


def clean_flights(delivered: pl.DataFrame, airports: pl.DataFrame) -> pl.DataFrame:
    """Give flights their types, keys and times in UTC; no row is dropped and no value is mended.

    Times in the source are numbers such as 1305 on the clock of the airport where they happen, without a day: an
    arrival is the first such moment after the departure.

    Args:
        delivered: Flights as the source has them.
        airports: Airports with `faa` and their time zone `tzone`.

    Returns:
        One row a delivered row, ordered by `sched_dep_time` and `flight_id`. Where the time zone of a destination is
        not known, the times of arrival are missing.
    """
    zones = {**dict(airports.select("faa", "tzone").drop_nulls().iter_rows()), **ZONES_NOT_IN_AIRPORTS}
    flights = delivered.select(
        name_flights(),
        "carrier",
        "flight",
        "origin",
        "dest",
        "distance",
        "tailnum",
        "dep_delay",
        "arr_delay",
        "air_time",
        date=pl.date("year", "month", "day"),
        hour=pl.col("sched_dep_time") // 100,
        cancelled=pl.col("dep_time").is_null(),
        sched_dep_clock=_read_clock("sched_dep_time"),
        sched_arr_clock=_read_clock("sched_arr_time"),
        arr_clock=_read_clock("arr_time"),
        zone=pl.col("dest").replace_strict(zones, default=None, return_dtype=pl.String),
    )
    places = flights["zone"].drop_nulls().unique().sort().to_list()
    scheduled = _to_utc(pl.col("date").cast(pl.Datetime("us")) + pl.col("sched_dep_clock"), NEW_YORK)
    flights = (
        flights.with_columns(sched_dep_time=scheduled)
        .with_columns(
            time_hour=pl.col("sched_dep_time").dt.truncate("1h"),
            dep_time=pl.col("sched_dep_time") + pl.duration(minutes="dep_delay"),
        )
        .with_columns(
            sched_arr_time=_find_next("sched_arr_clock", "sched_dep_time", places),
            arr_time=_find_next("arr_clock", "dep_time", places),
        )
    )
    logger.info("cleaned flights", rows=flights.height, cancelled=int(flights["cancelled"].sum()))
    return flights.select(COLUMNS).sort("sched_dep_time", "flight_id")


def sample_flights(flights: pl.DataFrame) -> pl.DataFrame:
    """Keep about a tenth of the flights, drawn by their keys."""
    chosen = flights.filter(draw(flights["flight_id"], "sample") < SAMPLE_SHARE)
    logger.info("sampled flights", rows=chosen.height)
    return chosen


def count_by_day(flights: pl.DataFrame) -> pl.DataFrame:
    """Count flights and what was reported of them, day by day.

    Returns:
        One row a day, in order: `date`, `flights`, `cancelled`, `without_arr_delay` (cancelled, diverted or not
        reported yet), `share_without` of all flights, and the mean `arr_delay` in minutes.
    """
    missing = pl.col("arr_delay").is_null()
    return (
        flights.group_by("date")
        .agg(
            flights=pl.len(),
            cancelled=pl.col("cancelled").sum(),
            without_arr_delay=missing.sum(),
            share_without=missing.mean(),
            arr_delay=pl.col("arr_delay").mean(),
        )
        .sort("date")
    )


def find_odd_days(flights: pl.DataFrame, days: Sequence[date], low: int, high: int) -> dict[date, int]:
    """Find the days with less than `low` or more than `high` flights, or not among `days`, with their flights."""
    counts = dict.fromkeys(days, 0) | dict(flights["date"].value_counts(sort=True).iter_rows())
    return {day: counts[day] for day in sorted(counts) if day not in days or not low <= counts[day] <= high}


def tabulate_days(days: pl.DataFrame) -> str:
    """Write what ``count_by_day`` returns as a Markdown table."""
    lines = [
        "| day | flights | cancelled | without arrival delay | share | mean arrival delay, minutes |",
        "| --- " * 6 + "|",
    ]
    for day in days.iter_rows(named=True):
        delay = "" if day["arr_delay"] is None else f"{day['arr_delay']:.1f}"
        lines.append(
            f"| {day['date']:%a %Y-%m-%d} | {day['flights']:,} | {day['cancelled']:,} | {day['without_arr_delay']:,} "
            f"| {day['share_without']:.1%} | {delay} |"
        )
    return "\n".join(lines)


def _read_clock(column: str) -> pl.Expr:
    """Time since midnight of numbers such as 1305; 2400 is the midnight at the end of a day, and of no day here."""
    number = pl.col(column) % 2400
    return pl.duration(hours=number // 100, minutes=number % 100)


def _find_next(clock: str, after: str, places: Sequence[str]) -> pl.Expr:
    """The first instant from `after` on at which the clock in the flight's `zone` shows `clock`, in UTC."""

    def find(place: str) -> pl.Expr:
        start = pl.col(after).dt.convert_time_zone(place).dt.replace_time_zone(None)
        moment = start.dt.truncate("1d") + pl.col(clock)
        moment = pl.when(moment < start).then(moment + pl.duration(days=1)).otherwise(moment)
        return pl.when(pl.col("zone") == place).then(_to_utc(moment, place))

    return pl.coalesce([find(place) for place in places] or [pl.lit(None, pl.Datetime("us", "UTC"))])


def _to_utc(moment: pl.Expr, place: str) -> pl.Expr:
    """UTC of a local time: of an hour that comes twice the first, of one that summer time skips nothing."""
    return moment.dt.replace_time_zone(place, ambiguous="earliest", non_existent="null").dt.convert_time_zone("UTC")
