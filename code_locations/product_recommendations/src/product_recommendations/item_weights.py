"""Weights between items, and what the household buys again."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csr_array

from atoll import logger
from product_recommendations.features import Queries, encode_baskets
from product_recommendations.popularity import count_baskets
from product_recommendations.recommendations import Model


@dataclass(frozen=True)
class ItemWeights(Model):
    """Adds the weights of the items in the basket to how often the household buys an item.

    What households bought comes with the query. For an unknown one the rate is the item's share.

    Attributes:
        weights: items x items, from an item in the basket (row) to a candidate (column); the diagonal is 0.
        share: Of all training baskets, those with the item.
    """

    trainer: "ItemWeightsTrainer"
    weights: NDArray[np.float32]
    share: NDArray[np.float32]

    def score(self, queries: Queries) -> NDArray[np.float32]:
        """Score each item for each basket, higher is better."""
        prior_visits, history_weight = np.float32(self.trainer.prior_visits), np.float32(self.trainer.history_weight)
        rate = (queries.purchases.toarray() + prior_visits * self.share) / (queries.visits + prior_visits)[:, None]
        return queries.baskets @ self.weights + history_weight * rate


@dataclass(frozen=True, kw_only=True)
class ItemWeightsTrainer(ABC):
    """Learns `ItemWeights`; each subclass weighs items in its own way.

    Attributes:
        history_weight: Of the household's rate, where the basket's part has weight 1.
        prior_visits: With how many visits of an average household each household's rate is shrunk.
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
        return ItemWeights(items, self, baskets["time"].max(), weights.astype(np.float32), share)
