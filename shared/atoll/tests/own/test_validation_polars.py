import sys
import types

import dagster as dg
import pandera.polars as pa
import polars as pl
import pytest

from atoll.validation import schema_check


@pytest.fixture(autouse=True)
def schemas(monkeypatch):
    module = types.ModuleType("toy_schemas")
    module.SCHEMA = pa.DataFrameSchema({"price": pa.Column(float, pa.Check.gt(0)), "make": pa.Column(str)})
    monkeypatch.setitem(sys.modules, "toy_schemas", module)


def evaluate(table: pl.DataFrame) -> dg.AssetCheckEvaluation:
    @dg.asset(key_prefix="toy")
    def flights():
        return table

    result = dg.materialize(
        [flights, schema_check(flights, "toy_schemas:SCHEMA")],
        resources={"io_manager": dg.mem_io_manager},
        raise_on_error=False,
    )
    (evaluation,) = result.get_asset_check_evaluations()
    return evaluation


def test_a_polars_table_that_follows_its_schema_passes():
    assert evaluate(pl.DataFrame({"price": [1.0], "make": ["vw"]})).passed


def test_failures_of_a_polars_table_are_counted_and_no_value_is_shown():
    evaluation = evaluate(pl.DataFrame({"price": [1.0, -77.25, -3.0], "make": ["vw", None, "hunter2"]}))
    assert not evaluation.passed
    assert [tuple(record.data.values()) for record in evaluation.metadata["failures"].records] == [
        ("price", "greater_than(0)", 2),
        ("make", "not_nullable", 1),
    ]
    assert evaluation.metadata["failing_rows"].value == 2
    assert "77.25" not in repr(evaluation)
    assert "hunter2" not in repr(evaluation)


def test_a_missing_column_and_a_wrong_type_of_a_polars_table_are_explained():
    evaluation = evaluate(pl.DataFrame({"price": [1]}))
    assert evaluation.description is not None
    why = evaluation.description.splitlines()[1]
    assert "column `make` is missing" in why
    assert "column `price` is Int64, not Float64" in why
