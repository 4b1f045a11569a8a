"""What tables must look like, for checks that block what is downstream."""

import pandera.pandas as pa

from flight_delays.outcomes import ARRIVED, STATES


def _text(unique: bool = False) -> pa.Column:
    return pa.Column("str", pa.Check.str_length(min_value=1), unique=unique)


def _number(low: float, high: float, nullable: bool = False) -> pa.Column:
    return pa.Column("float64", pa.Check.in_range(low, high), nullable=nullable)


OUTCOMES = pa.DataFrameSchema(
    {
        "flight_id": _text(unique=True),
        "state": pa.Column("str", pa.Check.isin(STATES)),
        "late": pa.Column("boolean", nullable=True),
    },
    strict=True,
    checks=[
        pa.Check(lambda table: len(table) > 0, error="there are no flights"),
        pa.Check(
            lambda table: bool((table["late"].notna() == (table["state"] == ARRIVED)).all()),
            error="late is known for flights that have arrived, and for no others",
        ),
    ],
)
"""How flights ended."""

FEATURES = pa.DataFrameSchema(
    {
        "flight_id": _text(unique=True),
        "sched_dep_time": pa.Column("datetime64[us, UTC]"),
        "flight": pa.Column("int64", pa.Check.gt(0)),
        "carrier": _text(),
        "origin": pa.Column("str", pa.Check.isin(["EWR", "JFK", "LGA"])),
        "dest": _text(),
        "minute_of_day": _number(0, 24 * 60 - 1),
        "distance": _number(1, 10_000),
        "scheduled_minutes": _number(1, 24 * 60, nullable=True),
        "flights_in_hour": _number(1, 100),
        "dest_lat": _number(-90, 90, nullable=True),
        "dest_lon": _number(-180, 180, nullable=True),
        "plane_age": _number(-1, 100, nullable=True),
        "plane_seats": _number(1, 1_000, nullable=True),
        "temp": _number(-60, 130, nullable=True),
        "humid": _number(0, 100, nullable=True),
        "wind_speed": _number(0, 200, nullable=True),
        "pressure": _number(900, 1_100, nullable=True),
        "recent_precip": _number(0, 60, nullable=True),
        "recent_visib": _number(0, 10, nullable=True),
    },
    strict=True,
    checks=pa.Check(lambda table: len(table) > 0, error="there are no flights"),
)
"""What is known before departure; a column more, such as an outcome, is refused."""
