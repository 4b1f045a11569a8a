"""What the tables must look like, raw and cleaned."""

from datetime import datetime

import pandera.pandas as pa

FIRST_DAY, LAST_DAY = datetime(2017, 1, 1), datetime(2018, 1, 2)


def _one_per_basket(column: str) -> pa.Check:
    return pa.Check(
        lambda table: bool((table.groupby("basket_id")[column].nunique() == 1).all()),
        name=f"one_{column}_per_basket",
    )


def _identifier() -> pa.Column:
    return pa.Column("int64", pa.Check.gt(0))


def _time() -> pa.Column:
    return pa.Column("datetime64[ns]", pa.Check.in_range(FIRST_DAY, LAST_DAY))


def _text(nullable: bool = False) -> pa.Column:
    return pa.Column("str", pa.Check.str_length(min_value=1), nullable=nullable)


TRANSACTIONS = pa.DataFrameSchema(
    {
        "household_id": _identifier(),
        "basket_id": _identifier(),
        "product_id": _identifier(),
        "quantity": pa.Column("int64", pa.Check.in_range(0, 100_000)),
        "transaction_timestamp": _time(),
    },
    checks=[_one_per_basket("household_id"), _one_per_basket("transaction_timestamp")],
    unique=["basket_id", "product_id"],
    strict=True,
)

PRODUCTS = pa.DataFrameSchema(
    {
        "product_id": pa.Column("int64", pa.Check.gt(0), unique=True),
        "department": _text(),
        "product_category": _text(nullable=True),
        "product_type": _text(nullable=True),
    },
    checks=pa.Check(
        lambda table: bool(table["product_type"].isna().mean() < 0.01),
        name="few_without_type",
    ),
    strict=True,
)

BASKETS = pa.DataFrameSchema(
    {
        "household_id": _identifier(),
        "basket_id": _identifier(),
        "time": _time(),
        "item": _text(),
        "department": _text(),
        "quantity": pa.Column("int64", pa.Check.in_range(1, 500)),
    },
    checks=[_one_per_basket("household_id"), _one_per_basket("time")],
    unique=["basket_id", "item"],
    strict=True,
)

RECOMMENDATIONS = pa.DataFrameSchema(
    {
        "household_id": _identifier(),
        "basket_id": _identifier(),
        "rank": pa.Column("int64", pa.Check.in_range(1, 10)),
        "item": _text(),
        "department": _text(),
        "score": pa.Column("float64", pa.Check(lambda score: score.abs() < float("inf"), name="finite")),
    },
    unique=["household_id", "rank"],
    strict=True,
)
