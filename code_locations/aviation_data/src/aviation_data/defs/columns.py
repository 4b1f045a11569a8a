"""Columns of what is lent, with their Arrow types: the promise that other code locations rely on.

Numbers that may be missing are `double`, also where they are whole: their type is then the same in every week.
"""

import dagster as dg

TEXT = "large_string"
WHOLE = "int64"
NUMBER = "double"
FLAG = "bool"
DAY = "date32[day]"
INSTANT = "timestamp[us, tz=UTC]"

ALWAYS = dg.TableColumnConstraints(nullable=False)
KEY = dg.TableColumnConstraints(nullable=False, unique=True)
BEFORE = {"known": "before departure"}
AFTER = {"known": "after departure"}


def _before(name: str, kind: str, description: str, constraints: dg.TableColumnConstraints = ALWAYS) -> dg.TableColumn:
    return dg.TableColumn(name, kind, description, constraints, BEFORE)


def _after(
    name: str, kind: str, description: str, constraints: dg.TableColumnConstraints | None = None
) -> dg.TableColumn:
    return dg.TableColumn(name, kind, f"Outcome. {description}", constraints, AFTER)


def _always(name: str, kind: str, description: str) -> dg.TableColumn:
    return dg.TableColumn(name, kind, description, ALWAYS)


FLIGHTS = dg.TableSchema(
    columns=[
        _before("flight_id", TEXT, "Key: day, carrier with number, and origin, as in 2013-03-17 UA1545 EWR.", KEY),
        _before("date", DAY, "Day of the scheduled departure, New York time."),
        _before("carrier", TEXT, "Two-letter code of the airline; refers to aviation_data/airlines."),
        _before("flight", WHOLE, "Flight number of the airline."),
        _before("origin", TEXT, "Airport of departure: EWR, JFK or LGA."),
        _before("dest", TEXT, "Airport of destination, FAA code; refers to aviation_data/airports, which lacks a few."),
        _before("distance", WHOLE, "Distance between the airports, miles."),
        _before("sched_dep_time", INSTANT, "Scheduled departure, UTC."),
        _before("sched_arr_time", INSTANT, "Scheduled arrival, UTC."),
        _before("hour", WHOLE, "Hour of the scheduled departure, New York time, 0 to 23."),
        _before("time_hour", INSTANT, "Scheduled departure cut to the hour, UTC; with origin the key of the weather."),
        dg.TableColumn(
            "tailnum",
            TEXT,
            "The plane; refers to aviation_data/planes, which lacks one flight in six. Planned before departure, but "
            "missing for cancelled flights alone: that it is missing is an outcome.",
            tags=BEFORE,
        ),
        _after("cancelled", FLAG, "The flight never left. Known once it is clear that it will not.", ALWAYS),
        _after("dep_time", INSTANT, "Departure, UTC. Known at departure; missing for cancelled flights."),
        _after("dep_delay", NUMBER, "Departure after schedule, minutes, negative when early. Known at departure."),
        _after("arr_time", INSTANT, "Arrival, UTC. Known at arrival; missing for cancelled and most diverted flights."),
        _after(
            "arr_delay",
            NUMBER,
            "Arrival after schedule, minutes, negative when early. Known at arrival, and complete only with the last "
            "delivery of a week; missing for cancelled and diverted flights.",
        ),
        _after("air_time", NUMBER, "Time in the air, minutes. Known at arrival; missing where arr_delay is."),
    ]
)
"""What is known before departure, then the outcomes."""

WEATHER = dg.TableSchema(
    columns=[
        _always("origin", TEXT, "Airport: EWR, JFK or LGA; key with time_hour."),
        _always("time_hour", INSTANT, "Hour of the reading, UTC; key with origin."),
        dg.TableColumn("temp", NUMBER, "Temperature, degrees Fahrenheit."),
        dg.TableColumn("dewp", NUMBER, "Dew point, degrees Fahrenheit."),
        dg.TableColumn("humid", NUMBER, "Relative humidity, percent."),
        dg.TableColumn("wind_dir", NUMBER, "Direction that the wind comes from, degrees; missing in light wind."),
        dg.TableColumn("wind_speed", NUMBER, "Wind speed, miles per hour."),
        dg.TableColumn("wind_gust", NUMBER, "Speed of gusts, miles per hour; missing where there were none."),
        _always("precip", NUMBER, "Precipitation within the hour, inches."),
        dg.TableColumn("pressure", NUMBER, "Pressure at sea level, millibars; missing in one reading of ten."),
        _always("visib", NUMBER, "Visibility, miles, 10 at most."),
    ]
)

AIRPORTS = dg.TableSchema(
    columns=[
        dg.TableColumn("faa", TEXT, "Key: FAA code of the airport.", KEY),
        _always("name", TEXT, "Name."),
        _always("lat", NUMBER, "Latitude, degrees north."),
        _always("lon", NUMBER, "Longitude, degrees east: negative in America."),
        _always("alt", WHOLE, "Altitude, feet."),
        _always("tz", WHOLE, "Offset from UTC in winter, hours."),
        _always("dst", TEXT, "Summer time: A as in the United States, N none, U unknown."),
        dg.TableColumn("tzone", TEXT, "Time zone, IANA name; missing for three airports."),
    ]
)

PLANES = dg.TableSchema(
    columns=[
        dg.TableColumn("tailnum", TEXT, "Key: the plane's registration.", KEY),
        dg.TableColumn("year", NUMBER, "Year of manufacture; missing for one plane in fifty."),
        _always("type", TEXT, "Type, as in Fixed wing multi engine."),
        _always("manufacturer", TEXT, "Manufacturer, as registered: one maker may have several spellings."),
        _always("model", TEXT, "Model."),
        _always("engines", WHOLE, "Number of engines."),
        _always("seats", WHOLE, "Number of seats."),
        dg.TableColumn("speed", NUMBER, "Cruising speed, miles per hour; missing for nearly all."),
        _always("engine", TEXT, "Kind of engine."),
    ]
)

AIRLINES = dg.TableSchema(
    columns=[
        dg.TableColumn("carrier", TEXT, "Key: two-letter code of the airline.", KEY),
        _always("name", TEXT, "Name."),
    ]
)
