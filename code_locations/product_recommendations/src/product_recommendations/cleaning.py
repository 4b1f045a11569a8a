"""From raw lines to baskets of items."""

import pandas as pd

from atoll import logger

NOT_GOODS = ["COUPON", "COUPON/MISC ITEMS", "COUPONS/STORE & MFG"]
COLUMNS = ["household_id", "basket_id", "time", "item", "department", "quantity"]


def clean_baskets(transactions: pd.DataFrame, products: pd.DataFrame) -> tuple[pd.DataFrame, dict[str, int]]:
    """Make the basket table: one row per basket and item.

    An item is a product type within its category, such as "ICE CREAM/MILK/SHERBTS: PREMIUM": the type alone is
    ambiguous ("PREMIUM" is ice cream, bacon and pasta sauce).

    Args:
        transactions: As `connector.read_transactions` gives them.
        products: As `connector.read_products` gives them.

    Returns:
        The basket table, ordered by basket and item, with the quantities of an item's products added up; and how many
        lines each rule dropped, in the order in which the rules apply.
    """
    lines = transactions.merge(products, on="product_id", how="left", validate="many_to_one")
    rules = {
        "product is not in the catalogue or has no type": lines["product_type"].isna(),
        "fuel, sold by volume": lines["product_type"].str.startswith("GASOLINE", na=False),
        "coupon, gift card or store supply": lines["product_category"].isin(NOT_GOODS),
        "nothing changed hands (quantity 0)": lines["quantity"] == 0,
    }
    keep = pd.Series(True, index=lines.index)
    dropped = {}
    for rule, applies in rules.items():
        dropped[rule] = int((keep & applies).sum())
        keep &= ~applies
    kept = lines[keep]
    category = kept["product_category"].fillna(kept["department"])
    kept = kept.assign(item=category + ": " + kept["product_type"]).rename(columns={"transaction_timestamp": "time"})
    kept = kept.sort_values(["basket_id", "item", "product_id"], kind="stable")
    same_item = kept.groupby(["basket_id", "item"], sort=False)["quantity"].transform("sum")
    baskets = kept.assign(quantity=same_item).drop_duplicates(["basket_id", "item"])[COLUMNS].reset_index(drop=True)
    logger.info("cleaned baskets", lines=len(lines), dropped=sum(dropped.values()), rows=len(baskets))
    return baskets, dropped
