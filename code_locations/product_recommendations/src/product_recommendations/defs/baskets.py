"""Baskets, and those to learn from."""

import dagster as dg

from atoll.validation import schema_check
from product_recommendations.defs.location import LOCATION, OWNERS
from product_recommendations.defs.purchases import transactions

MOST_EMPTIED = 0.01


@dg.asset(key_prefix=LOCATION, group_name=LOCATION, kinds={"pandas"}, owners=OWNERS)
def baskets(transactions, products):
    """The basket table, one row per basket and item; an item is a product type within its category.

    Lines of unknown products, fuel (sold by volume), coupons and quantity 0 are dropped.
    """
    from product_recommendations.cleaning import clean_baskets

    table, dropped = clean_baskets(transactions, products)
    return dg.MaterializeResult(
        value=table,
        metadata={
            "baskets": int(table["basket_id"].nunique()),
            "items": int(table["item"].nunique()),
            "lines dropped": sum(dropped.values()),
            **{f"dropped: {rule}": lines for rule, lines in dropped.items()},
        },
    )


baskets_schema = schema_check(
    baskets,
    "product_recommendations.schemas:BASKETS",
    description="An item is in a basket once, in a quantity from 1 to 500; a basket has one household and one time.",
)


@dg.asset_check(asset=baskets, additional_ins={"transactions": dg.AssetIn(transactions.key)}, blocking=True)
def few_baskets_emptied(baskets, transactions):
    """Cleaning empties at most 1 % of the baskets with several products (those with one are mostly fuel if they go)."""
    sizes = transactions.groupby("basket_id").size()
    several = sizes.index[sizes > 1]
    share = 1 - float(several.isin(baskets["basket_id"]).mean())
    return dg.AssetCheckResult(
        passed=share <= MOST_EMPTIED,
        description=f"Cleaning emptied {share:.2%} of the {len(several):,} baskets with several products.",
        metadata={"share emptied": share},
    )


@dg.asset(key_prefix=LOCATION, group_name=LOCATION, kinds={"pandas"}, owners=OWNERS)
def training_baskets(baskets):
    """The basket table before November 2017: all that baseline, features and models are made from."""
    from product_recommendations.split import START_OF_TEST, split_baskets

    return split_baskets(baskets, START_OF_TEST)[0]
