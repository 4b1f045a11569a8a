"""The connector: transactions and products from the data package."""

import dagster as dg

from atoll import settings
from atoll.validation import schema_check
from product_recommendations.defs.location import LOCATION, OWNERS


@dg.asset(key_prefix=LOCATION, group_name=LOCATION, kinds={"parquet", "pandas"}, owners=OWNERS)
def transactions():
    """What was bought, one row per basket and product.

    The profile `sample` keeps one household in ten, with all it bought.
    """
    from product_recommendations.connector import read_transactions

    table = read_transactions(settings().sample)
    counts = table[["household_id", "basket_id", "product_id"]].nunique()
    return dg.MaterializeResult(
        value=table,
        metadata={
            "households": int(counts["household_id"]),
            "baskets": int(counts["basket_id"]),
            "products": int(counts["product_id"]),
            "first": str(table["transaction_timestamp"].min()),
            "last": str(table["transaction_timestamp"].max()),
        },
    )


@dg.asset(key_prefix=LOCATION, group_name=LOCATION, kinds={"parquet", "pandas"}, owners=OWNERS)
def products():
    """The catalogue, one row per product: its department, category and type."""
    from product_recommendations.connector import read_products

    return read_products()


transactions_schema = schema_check(
    transactions,
    "product_recommendations.schemas:TRANSACTIONS",
    description="A product is in a basket once; a basket has one household and one time; values are in range.",
)

products_schema = schema_check(
    products,
    "product_recommendations.schemas:PRODUCTS",
    description="A product is there once and has a department; fewer than 1 % have no type.",
)
