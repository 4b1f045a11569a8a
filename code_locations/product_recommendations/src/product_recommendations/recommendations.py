"""The best items for a basket, whatever model scores them."""

from typing import Protocol

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


def recommend(model: Recommender, baskets: pd.DataFrame, popularity: pd.DataFrame, k: int = 10) -> pd.DataFrame:
    """Recommend items for the latest basket of each household, knowing the household's earlier baskets.

    Args:
        model: What scores.
        baskets: Basket table.
        popularity: As `popularity.count_baskets` gives it; names the department of each item.
        k: How many items a household.

    Returns:
        Up to k rows a household: `household_id`, `basket_id`, `rank` from 1, `item`, `department` and `score`.
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
    table.insert(4, "department", table["item"].map(popularity.set_index("item")["department"]))
    table = table[np.isfinite(table["score"])].sort_values(["household_id", "rank"]).reset_index(drop=True)
    logger.info("recommended", households=len(owners), rows=len(table))
    return table
