"""The baseline: what most baskets hold."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from product_recommendations.features import Items, Queries


def count_baskets(baskets: pd.DataFrame) -> pd.DataFrame:
    """Count the baskets with each item.

    Args:
        baskets: Basket table.

    Returns:
        One row per item, most frequent first: `item`, `department` (where it is most often), `baskets`, and `share` of
        all baskets.
    """
    places = baskets.groupby(["item", "department"], as_index=False).agg(baskets=("basket_id", "size"))
    places = places.sort_values(["baskets", "department"], ascending=[False, True])
    items = places.groupby("item", as_index=False).agg(department=("department", "first"), baskets=("baskets", "sum"))
    items["share"] = items["baskets"] / baskets["basket_id"].nunique()
    return items.sort_values(["baskets", "item"], ascending=[False, True]).reset_index(drop=True)


@dataclass(frozen=True)
class Popularity:
    """Recommends the same items to everybody.

    Attributes:
        items: What was sold in training.
        share: Of all training baskets, those with the item.
    """

    items: Items
    share: NDArray[np.float32]

    @classmethod
    def from_counts(cls, counts: pd.DataFrame) -> "Popularity":
        """Make it from what `count_baskets` gives."""
        return cls(counts["item"].to_numpy(np.str_), counts["share"].to_numpy(np.float32))

    def score(self, queries: Queries) -> NDArray[np.float32]:
        """Score each item by its share, whatever the basket."""
        return np.broadcast_to(self.share, (len(queries), len(self.items)))
