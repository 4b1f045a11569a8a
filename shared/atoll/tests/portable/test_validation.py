import sys
import types
import warnings

import dagster as dg
import pandas as pd
import pytest

from atoll import UserError
from atoll.io_manager import StoreIOManager
from atoll.validation import schema_check

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    try:
        import pandera.pandas as pa
    except ImportError:
        import pandera as pa

SCHEMA = pa.DataFrameSchema(
    {
        "price": pa.Column(float, pa.Check.gt(0)),
        "make": pa.Column(checks=pa.Check.isin(["vw", "bmw"]), nullable=True),
        "year": pa.Column(int, unique=True),
    }
)


class Listing(pa.DataFrameModel):
    price: float = pa.Field(gt=0)


@pytest.fixture(autouse=True)
def schemas(monkeypatch):
    """The module that holds the schemas."""
    module = types.ModuleType("toy_schemas")
    module.SCHEMA, module.Listing = SCHEMA, Listing
    monkeypatch.setitem(sys.modules, "toy_schemas", module)


def frame(price=(1.0, 2.0), make=("vw", "bmw"), year=(2001, 2002), **more):
    return pd.DataFrame({"price": price, "make": make, "year": year, **more})


def check(value, schema="toy_schemas:SCHEMA") -> tuple[dg.AssetCheckEvaluation, bool]:
    """The evaluation of a check of a value, and whether the asset after it was made."""

    @dg.asset(key_prefix="toy")
    def listings():
        return value

    @dg.asset(key_prefix="toy")
    def after(listings) -> None:
        pass

    result = dg.materialize(
        [listings, after, schema_check(listings, schema)],
        resources={"io_manager": dg.mem_io_manager},
        raise_on_error=False,
    )
    (evaluation,) = result.get_asset_check_evaluations()
    return evaluation, bool(result.asset_materializations_for_node("toy__after"))


def failures(evaluation) -> list[tuple[str, str, int]]:
    return [tuple(record.data.values()) for record in evaluation.metadata["failures"].records]


def test_a_table_that_follows_its_schema_passes():
    evaluation, reached = check(frame())
    assert evaluation.passed
    assert reached
    assert evaluation.metadata["schema"].value == "toy_schemas:SCHEMA"


def test_a_schema_that_is_a_class_works_too():
    assert check(frame(), "toy_schemas:Listing")[0].passed
    assert not check(frame(price=(0.0, 1.0)), "toy_schemas:Listing")[0].passed


def test_a_failed_check_blocks_what_comes_after():
    evaluation, reached = check(frame(price=(-1.0, 2.0)))
    assert not evaluation.passed
    assert evaluation.blocking
    assert evaluation.severity is dg.AssetCheckSeverity.ERROR
    assert not reached


def test_all_failures_are_collected_by_column_and_check_and_rows_are_counted_once():
    evaluation, _ = check(frame(price=(-1.0, 2.0, -3.0), make=("vw", "fiat", "opel"), year=(1, 2, 2)))
    assert sorted(failures(evaluation)) == [
        ("make", "isin(['vw', 'bmw'])", 2),
        ("price", "greater_than(0)", 2),
        ("year", "field_uniqueness", 2),
    ]
    assert evaluation.metadata["failing_rows"].value == 3


def test_no_value_of_the_table_is_shown():
    evaluation, _ = check(frame(make=("hunter2", "vw"), price=(-77.25, 1.0)))
    assert "hunter2" not in repr(evaluation)
    assert "77.25" not in repr(evaluation)


def test_a_missing_column_is_explained():
    evaluation, _ = check(frame().drop(columns=["price", "make"]))
    assert evaluation.description == (
        "The table does not follow the schema toy_schemas:SCHEMA.\n"
        "column `price` is missing; column `make` is missing.\n"
        "Mend what makes the table, or the schema if the table is right."
    )
    assert evaluation.metadata["failing_rows"].value == 0


def test_a_wrong_type_is_explained():
    evaluation, _ = check(frame(year=(1.5, 2.5)))
    assert evaluation.description.splitlines()[1] == "column `year` is float64, not int64."


def test_a_failed_value_check_is_explained():
    evaluation, _ = check(frame(price=(-1.0, 2.0)))
    assert evaluation.description.splitlines()[1] == "column `price` fails greater_than(0) (rows: 1)."


def test_many_failures_are_summed_up():
    wide = pa.DataFrameSchema({f"c{n}": pa.Column(int) for n in range(8)})
    sys.modules["toy_schemas"].WIDE = wide
    evaluation, _ = check(frame(), "toy_schemas:WIDE")
    assert evaluation.description.splitlines()[1].endswith("column `c4` is missing; and 3 more.")
    assert len(failures(evaluation)) == 8


def test_a_check_of_the_whole_table_is_one_of_the_table():
    sys.modules["toy_schemas"].WHOLE = pa.DataFrameSchema(
        {"price": pa.Column(float)}, checks=pa.Check(lambda table: table["price"] < 2, name="cheap")
    )
    evaluation, _ = check(frame(), "toy_schemas:WHOLE")
    assert failures(evaluation) == [("(table)", "cheap", 1)]
    assert evaluation.description.splitlines()[1] == "the table fails cheap (rows: 1)."


def raised(value, schema):
    @dg.asset(key_prefix="toy")
    def listings():
        return value

    with pytest.raises(UserError) as caught:
        dg.materialize([listings, schema_check(listings, schema)], resources={"io_manager": dg.mem_io_manager})
    return str(caught.value).splitlines()


def test_a_value_that_is_no_table_is_explained():
    assert raised({"a": 1}, "toy_schemas:SCHEMA") == [
        "The schema toy_schemas:SCHEMA cannot be checked.",
        "The asset's value is of type dict, which is no table.",
        "Return a data frame of pandas or polars.",
    ]


@pytest.mark.parametrize(
    ("schema", "why"),
    [
        ("toy_schemas:NONE", "AttributeError: module 'toy_schemas' has no attribute 'NONE'."),
        ("no_such_module:X", "ModuleNotFoundError: No module named 'no_such_module'."),
    ],
)
def test_a_schema_that_is_not_there_is_explained_when_the_check_runs(schema, why):
    assert raised(frame(), schema)[:2] == [f"The schema {schema} cannot be loaded.", why]


@pytest.mark.parametrize("schema", ["toy_schemas", "toy_schemas:", ":X", ""])
def test_a_schema_that_is_not_named_by_module_and_attribute_is_refused_at_once(schema):
    with pytest.raises(UserError) as caught:
        schema_check(dg.AssetKey(["toy", "listings"]), schema)
    assert str(caught.value) == (
        f"The schema `{schema}` cannot be found.\n"
        "A schema is named by its module and its attribute, with a colon between them.\n"
        'Write it like "vehicle_prices.schemas:LISTINGS".'
    )


def test_the_check_can_be_named_and_described_and_takes_a_key():
    made = schema_check(["toy", "listings"], "toy_schemas:SCHEMA", name="values", description="Prices are positive.")
    (spec,) = made.check_specs
    assert (spec.asset_key, spec.name, spec.description) == (
        dg.AssetKey(["toy", "listings"]),
        "values",
        "Prices are positive.",
    )
    assert spec.blocking


def test_of_a_partitioned_asset_only_the_runs_partition_is_checked(store_folder):
    days = dg.StaticPartitionsDefinition(["2013-03-01", "2013-03-02"])

    @dg.asset(key_prefix="toy", partitions_def=days)
    def listings(context: dg.AssetExecutionContext):
        return frame(price=(1.0, 2.0) if context.partition_key == "2013-03-01" else (-1.0, 2.0))

    def passes(day: str) -> bool:
        result = dg.materialize(
            [listings, schema_check(listings, "toy_schemas:SCHEMA")],
            resources={"io_manager": StoreIOManager()},
            partition_key=day,
            raise_on_error=False,
        )
        (evaluation,) = result.get_asset_check_evaluations()
        return evaluation.passed

    assert not passes("2013-03-02")
    assert passes("2013-03-01")
