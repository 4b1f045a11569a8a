"""Weights between items, and what the household buys again."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csr_array

from atoll import logger
from product_recommendations.features import Items, Queries, encode_baskets
from product_recommendations.popularity import count_baskets


@dataclass(frozen=True)
class ItemWeights:
    """Adds the weights of the items in the basket to how often the household buys an item.

    It holds no household: their purchases come with the query. For an unknown household the rate is the item's share.

    Attributes:
        items: What it knows.
        weights: items x items, from an item in the basket (row) to a candidate (column); the diagonal is 0.
        share: Of all training baskets, those with the item.
        history_weight: Of the household's rate, where the basket's part has weight 1.
        prior_visits: With how many visits of an average household each household's rate is shrunk.
    """

    items: Items
    weights: NDArray[np.float32]
    share: NDArray[np.float32]
    history_weight: float
    prior_visits: float

    def score(self, queries: Queries) -> NDArray[np.float32]:
        """Score each item for each basket, higher is better."""
        bought = queries.purchases.toarray() + np.float32(self.prior_visits) * self.share
        rate = bought / (queries.visits + np.float32(self.prior_visits))[:, None]
        return queries.baskets @ self.weights + np.float32(self.history_weight) * rate


@dataclass(frozen=True, kw_only=True)
class ItemWeightsTrainer(ABC):
    """Learns `ItemWeights`; each subclass weighs items in its own way.

    Attributes:
        history_weight: See `ItemWeights`.
        prior_visits: See `ItemWeights`.
        minimum_baskets: Items in fewer training baskets are left out.
    """

    history_weight: float = 0.5
    prior_visits: float = 5.0
    minimum_baskets: int = 10

    @abstractmethod
    def weigh(self, matrix: csr_array) -> NDArray[np.float64]:
        """Weigh each item (row) for each other (column), given baskets x items; the diagonal is not used."""

    def train(self, baskets: pd.DataFrame) -> ItemWeights:
        """Learn from a basket table."""
        counts = count_baskets(baskets)
        counts = counts[counts["baskets"] >= self.minimum_baskets].sort_values("item")
        items = counts["item"].to_numpy(np.str_)
        matrix = encode_baskets(baskets, items)
        weights = self.weigh(matrix)
        np.fill_diagonal(weights, 0)
        logger.info("trained item weights", trainer=type(self).__name__, baskets=matrix.shape[0], items=len(items))
        share = counts["share"].to_numpy(np.float32)
        return ItemWeights(items, weights.astype(np.float32), share, self.history_weight, self.prior_visits)

    def save(self, model: ItemWeights, path: Path) -> None:
        """Write the model to a file; the same model gives the same bytes."""
        with path.open("wb") as file:
            np.savez(file, **vars(model))

    def load(self, path: Path) -> ItemWeights:
        """Read a model back."""
        with np.load(path) as arrays:
            return ItemWeights(
                items=arrays["items"],
                weights=arrays["weights"],
                share=arrays["share"],
                history_weight=float(arrays["history_weight"]),
                prior_visits=float(arrays["prior_visits"]),
            )
