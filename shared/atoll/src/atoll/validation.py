"""Asset checks from pandera schemas."""

import warnings
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from importlib import import_module
from typing import Any

import dagster as dg

from atoll.errors import UserError

TOLD = 5
LISTED = 100
TABLE = "(table)"


def schema_check(
    asset: dg.AssetsDefinition | dg.AssetKey | str | Sequence[str],
    schema: str,
    name: str = "schema",
    description: str | None = None,
    partitions_def: dg.PartitionsDefinition | None = None,
) -> dg.AssetChecksDefinition:
    """Make a blocking check that an asset's table follows a pandera schema.

    All failures are collected. The page shows how many rows fail, and columns, checks and counts; no value of the
    table, which may be personal.

    Args:
        asset: The asset, or its key.
        schema: Where the schema is, as ``"module:attribute"``; it is imported only when the check runs.
        name: The check's name.
        description: What the page says about the check.
        partitions_def: The asset's partitions, where only its key is given; the check is then one per partition.

    Raises:
        UserError: ``schema`` does not name a module and an attribute.
    """
    module, _, attribute = schema.partition(":")
    if not module or not attribute:
        raise UserError(
            f"The schema `{schema}` cannot be found.",
            "A schema is named by its module and its attribute, with a colon between them.",
            'Write it like "vehicle_prices.schemas:LISTINGS".',
        )
    if isinstance(asset, dg.AssetsDefinition):
        partitions_def = partitions_def or asset.partitions_def
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", dg.PreviewWarning)
        warnings.simplefilter("ignore", dg.BetaWarning)

        @dg.asset_check(
            asset=asset,
            name=name,
            description=description or f"The table follows the schema {schema}.",
            blocking=True,
            partitions_def=partitions_def,
        )
        def check(table: Any) -> dg.AssetCheckResult:
            return _validate(table, schema)

    return check


def _validate(table: Any, name: str) -> dg.AssetCheckResult:
    module, _, attribute = name.partition(":")
    try:
        schema = getattr(import_module(module), attribute)
        from pandera.errors import SchemaErrors
    except (ModuleNotFoundError, AttributeError) as error:
        raise UserError(
            f"The schema {name} cannot be loaded.",
            f"{type(error).__name__}: {error}.",
            "Correct the name, or install what is missing (pandera is the extra `validation` of atoll).",
        ) from error
    if not hasattr(table, "dtypes"):
        raise UserError(
            f"The schema {name} cannot be checked.",
            f"The asset's value is of type {type(table).__qualname__}, which is no table.",
            "Return a data frame of pandas or polars.",
        )
    try:
        schema.validate(table, lazy=True)
    except SchemaErrors as errors:
        cases = errors.failure_cases
        types = {str(column): str(kind) for column, kind in zip(table.columns, table.dtypes, strict=True)}
        return _fail(name, cases.to_dict("records") if hasattr(cases, "iloc") else cases.to_dicts(), types)
    return dg.AssetCheckResult(
        passed=True, description=f"{len(table):,} rows follow the schema {name}.", metadata={"schema": name}
    )


def _fail(schema: str, cases: Iterable[Mapping[str, Any]], types: Mapping[str, str]) -> dg.AssetCheckResult:
    rows: defaultdict[tuple[str, str, str], set[object]] = defaultdict(set)
    for case in cases:
        failure = _classify(case, types)
        rows[failure] |= set() if _is_missing(case["index"]) else {case["index"]}
    failures = sorted(rows.items(), key=lambda failure: (len(failure[1]) > 0, -len(failure[1])))
    reasons = [reason + (f" (rows: {len(found)})" if found else "") for (_, _, reason), found in failures]
    hidden = f"; and {len(reasons) - TOLD} more" if len(reasons) > TOLD else ""
    error = UserError(
        f"The table does not follow the schema {schema}.",
        f"{'; '.join(reasons[:TOLD])}{hidden}.",
        "Mend what makes the table, or the schema if the table is right.",
    )
    records = [
        dg.TableRecord({"column": column, "check": check, "rows": len(found)})
        for (column, check, _), found in failures[:LISTED]
    ]
    columns = [dg.TableColumn("column"), dg.TableColumn("check"), dg.TableColumn("rows", "int")]
    metadata = {
        "schema": schema,
        "failing_rows": len(set().union(*rows.values())),
        "failures": dg.MetadataValue.table(records, dg.TableSchema(columns)),
    }
    return dg.AssetCheckResult(passed=False, description=error.description, metadata=metadata)


def _classify(case: Mapping[str, Any], types: Mapping[str, str]) -> tuple[str, str, str]:
    """Column, check and reason of one failure case; its value is read only where it is a column's name."""
    check = str(case["check"])
    if check in ("column_in_dataframe", "column_in_schema"):
        state = "missing" if check == "column_in_dataframe" else "not in the schema"
        return str(case["failure_case"]), check, f"column `{case['failure_case']}` is {state}"
    if case["schema_context"] == "DataFrameSchema" or _is_missing(case["column"]):
        return TABLE, check, f"the table fails {check}"
    column = str(case["column"])
    if check.startswith("dtype(") and column in types:
        return column, check, f"column `{column}` is {types[column]}, not {check[len('dtype(') : -1].strip(chr(39))}"
    return column, check, f"column `{column}` fails {check}"


def _is_missing(value: object) -> bool:
    return value is None or str(value) in ("nan", "<NA>")
