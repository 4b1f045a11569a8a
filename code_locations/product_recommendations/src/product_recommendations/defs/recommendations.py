"""Batch recommendations."""

import dagster as dg

from atoll.validation import schema_check
from product_recommendations.defs.baskets import baskets
from product_recommendations.defs.evaluation import evaluation
from product_recommendations.defs.location import LOCATION, OWNERS, WEEKLY


@dg.asset(
    key_prefix=LOCATION,
    group_name=LOCATION,
    deps=[evaluation],
    kinds={"pandas"},
    owners=OWNERS,
    freshness_policy=WEEKLY,
)
def recommendations(champion, baskets, popularity):
    """Ten items for the latest basket of each household, best first, none of which is in the basket.

    Made by the champion with all that the household bought before that basket, and only when the evaluation of the
    newest model passes its checks.
    """
    departments = popularity[["item", "department"]]
    table = champion.predict(baskets).merge(departments, on="item", how="left", validate="many_to_one")
    return dg.MaterializeResult(value=table, metadata={"households": int(table["household_id"].nunique())})


recommendations_schema = schema_check(
    recommendations,
    "product_recommendations.schemas:RECOMMENDATIONS",
    description="A household has each rank from 1 to 10 at most once, and every score is finite.",
)


@dg.asset_check(asset=recommendations, additional_ins={"baskets": dg.AssetIn(baskets.key)}, blocking=True)
def nothing_from_the_basket(recommendations, baskets):
    """No recommended item is in the basket that it is recommended for."""
    found = recommendations.merge(baskets[["basket_id", "item"]], on=["basket_id", "item"])
    return dg.AssetCheckResult(
        passed=found.empty,
        description=f"{len(found)} of {len(recommendations):,} recommended items are in the basket already.",
    )
