import dagster as dg
import polars as pl
import pytest
from pandera.errors import SchemaError

from aviation_data.defs import columns
from aviation_data.flights import clean_flights
from aviation_data.schemas import AIRLINES, AIRPORTS, FLIGHTS, PLANES, WEATHER
from aviation_data.source import read_airlines, read_planes

ARROW = {
    pl.String: "large_string",
    pl.Int64: "int64",
    pl.Float64: "double",
    pl.Boolean: "bool",
    pl.Date: "date32[day]",
    pl.Datetime("us", "UTC"): "timestamp[us, tz=UTC]",
}


@pytest.fixture(scope="session")
def tables(folder, flights, year_of_weather, airports) -> dict[str, pl.DataFrame]:
    return {
        "flights": flights,
        "weather": year_of_weather,
        "airports": airports,
        "planes": read_planes(folder),
        "airlines": read_airlines(folder),
    }


@pytest.fixture
def break_table(tables):
    def change(name: str, column: str, value: object) -> pl.DataFrame:
        table = tables[name]
        kind = table.schema[column] if value is None else None
        changed = pl.when(pl.int_range(pl.len()) == 0).then(pl.lit(value, kind)).otherwise(column).alias(column)
        return table.with_columns(changed)

    return change


SCHEMAS = {"flights": FLIGHTS, "weather": WEATHER, "airports": AIRPORTS, "planes": PLANES, "airlines": AIRLINES}
PROMISES = {
    "flights": columns.FLIGHTS,
    "weather": columns.WEATHER,
    "airports": columns.AIRPORTS,
    "planes": columns.PLANES,
    "airlines": columns.AIRLINES,
}


@pytest.mark.parametrize("name", SCHEMAS)
def test_tables_follow_their_schema_and_their_promise(tables, name):
    SCHEMAS[name].validate(tables[name])
    promised = {column.name: column.type for column in PROMISES[name].columns}
    assert {column: ARROW[kind] for column, kind in tables[name].schema.items()} == promised
    assert list(promised) == tables[name].columns


@pytest.mark.parametrize("name", SCHEMAS)
def test_columns_that_are_promised_to_be_there_are_those_that_the_schema_wants(name):
    nullable = {column.name for column in PROMISES[name].columns if column.constraints.nullable}
    assert nullable == {column for column, stated in SCHEMAS[name].columns.items() if stated.nullable}


def test_all_flights_of_the_year_follow_the_schema(year):
    odd = year.filter(pl.col("distance") < 80)
    assert odd["flight_id"].to_list() == ["2013-07-27 US1632 EWR"]
    FLIGHTS.validate(year.drop("week"))


@pytest.mark.parametrize(
    ("name", "column", "value"),
    [
        ("flights", "flight_id", None),
        ("flights", "origin", "PHL"),
        ("flights", "dest", "Boston"),
        ("flights", "carrier", "united"),
        ("flights", "flight", 0),
        ("flights", "distance", -719),
        ("flights", "distance", 50_000),
        ("flights", "sched_dep_time", None),
        ("flights", "sched_arr_time", None),
        ("flights", "hour", 24),
        ("flights", "cancelled", None),
        ("flights", "dep_delay", 7_200.0),
        ("flights", "arr_delay", -600.0),
        ("flights", "air_time", 0.0),
        ("weather", "origin", "PHL"),
        ("weather", "time_hour", None),
        ("weather", "temp", 400.0),
        ("weather", "humid", 101.0),
        ("weather", "wind_speed", 1_048.0),
        ("weather", "visib", None),
        ("airports", "faa", "JFKX"),
        ("airports", "lat", 95.0),
        ("airports", "dst", "Z"),
        ("planes", "tailnum", None),
        ("planes", "year", 0.0),
        ("planes", "engines", 0),
        ("airlines", "carrier", "UAL"),
        ("airlines", "name", None),
    ],
)
def test_a_value_that_cannot_be_is_refused(break_table, name, column, value):
    with pytest.raises(SchemaError, match=column):
        SCHEMAS[name].validate(break_table(name, column, value))


@pytest.mark.parametrize("name", ["weather", "airports", "planes", "airlines"])
def test_a_repeated_key_is_refused(tables, name):
    with pytest.raises(SchemaError):
        SCHEMAS[name].validate(pl.concat([tables[name], tables[name].head(1)]))


@pytest.mark.parametrize("name", SCHEMAS)
def test_a_column_more_or_less_or_of_another_type_is_refused(tables, name):
    table = tables[name]
    first = table.columns[0]
    for changed in (table.drop(first), table.with_columns(more=1), table.with_columns(pl.lit(1).alias(first))):
        with pytest.raises(SchemaError):
            SCHEMAS[name].validate(changed)


def test_outcomes_stand_after_what_is_known_before_departure_and_say_when_they_are_known():
    known = [column.tags["known"] for column in columns.FLIGHTS.columns]
    assert known == sorted(known, reverse=True)
    outcomes = {
        column.name: column.description or "" for column in columns.FLIGHTS.columns if column.tags == columns.AFTER
    }
    assert set(outcomes) == {"cancelled", "dep_time", "dep_delay", "arr_time", "arr_delay", "air_time"}
    assert all(text.startswith("Outcome. ") and "Known " in text for text in outcomes.values())


@pytest.mark.parametrize("schema", PROMISES.values())
def test_every_column_has_a_description(schema: dg.TableSchema):
    assert all(column.description and column.description.endswith(".") for column in schema.columns)


def test_a_week_without_flights_is_cleaned_to_the_same_columns(delivered, airports, flights):
    assert clean_flights(delivered.head(0), airports).schema == flights.schema
