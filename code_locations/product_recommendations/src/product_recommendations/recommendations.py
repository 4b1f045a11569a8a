"""The best items for a basket, whatever model scores them."""

from abc import ABC, abstractmethod
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from atoll import logger
from product_recommendations.features import Items, Queries, count_purchases, encode_queries

CHUNK = 4_096


class Recommender(Protocol):
    """What scores items for baskets."""

    @property
    def items(self) -> Items:
        """What it knows, each once."""
        ...

    def score(self, queries: Queries) -> NDArray[np.float32]:
        """Score each item for each basket, higher is better: baskets x items."""
        ...


@dataclass(frozen=True)
class Model(ABC):
    """What was trained to recommend; it holds no household.

    Attributes:
        items: What it knows, each once.
        trainer: What it was trained by, a dataclass of parameters.
        until: When the newest basket was bought that it learnt from.
    """

    feature_names_in_: ClassVar = ["household_id", "basket_id", "time", "item"]

    items: Items
    trainer: Any
    until: pd.Timestamp

    @abstractmethod
    def score(self, queries: Queries) -> NDArray[np.float32]:
        """Score each item for each basket, higher is better: baskets x items."""

    def predict(self, baskets: pd.DataFrame) -> pd.DataFrame:
        """Recommend ten items for the latest basket of each household, as `recommend` does."""
        return recommend(self, baskets)

    def get_params(self) -> dict[str, Any]:
        """Give the parameters of the trainer."""
        return asdict(self.trainer)


def rank_items(model: Recommender, queries: Queries, k: int) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
    """Find the best items for each basket that are not in it, best first.

    Args:
        model: What scores.
        queries: n baskets, encoded with the model's items.
        k: How many items; at most those that the model knows.

    Returns:
        n x k positions in the model's items, and their scores; the score is minus infinity where a basket leaves fewer
        than k items to recommend.
    """
    places, scores = [], []
    for start in range(0, len(queries), CHUNK):
        chunk = queries[start : start + CHUNK]
        score = np.array(model.score(chunk), dtype=np.float32)
        score[chunk.baskets.nonzero()] = -np.inf
        best = np.argpartition(-score, k - 1, axis=1)[:, :k]
        order = np.argsort(-np.take_along_axis(score, best, axis=1), axis=1, kind="stable")
        best = np.take_along_axis(best, order, axis=1)
        places.append(best)
        scores.append(np.take_along_axis(score, best, axis=1))
    return np.concatenate(places), np.concatenate(scores)


def recommend(model: Recommender, baskets: pd.DataFrame, k: int = 10) -> pd.DataFrame:
    """Recommend items for the latest basket of each household, knowing the household's earlier baskets.

    Args:
        model: What scores.
        baskets: One row per basket and item: `household_id`, `basket_id`, `time` and `item`. A household of which
            there is one basket only is not known.
        k: How many items a household.

    Returns:
        Up to k rows a household: `household_id`, `basket_id`, `rank` from 1, `item` and `score`.
    """
    visits = baskets.drop_duplicates("basket_id").sort_values(["time", "basket_id"])
    latest = baskets["basket_id"].isin(visits.drop_duplicates("household_id", keep="last")["basket_id"])
    queries = encode_queries(baskets[latest], count_purchases(baskets[~latest]), model.items)
    places, scores = rank_items(model, queries, k)
    owners = baskets[latest].groupby("basket_id")["household_id"].first()
    table = pd.DataFrame(
        {
            "household_id": np.repeat(owners.to_numpy(), k),
            "basket_id": np.repeat(owners.index.to_numpy(), k),
            "rank": np.tile(np.arange(1, k + 1), len(owners)),
            "item": pd.Series(model.items[places.ravel()], dtype="str"),
            "score": scores.ravel().astype(np.float64),
        }
    )
    table = table[np.isfinite(table["score"])].sort_values(["household_id", "rank"]).reset_index(drop=True)
    logger.info("recommended", households=len(owners), rows=len(table))
    return table
