"""What a model is asked with: the items of a basket, and what its household bought before."""

from dataclasses import dataclass, replace
from itertools import chain

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csr_array

Items = NDArray[np.str_]


def count_purchases(baskets: pd.DataFrame) -> pd.DataFrame:
    """Count each household's baskets with each item.

    Args:
        baskets: Basket table.

    Returns:
        One row per household and item that it bought: `household_id`, `item`, `baskets` (those with the item) and
        `visits` (all of the household's baskets).
    """
    counts = baskets.groupby(["household_id", "item"], as_index=False).agg(baskets=("basket_id", "size"))
    visits = baskets.groupby("household_id")["basket_id"].nunique()
    return counts.assign(visits=counts["household_id"].map(visits))


@dataclass(frozen=True)
class Queries:
    """Baskets to complete, one a row.

    Attributes:
        baskets: n x items, 1 where the item is in the basket.
        purchases: n x items, in how many earlier baskets of the household the item was.
        visits: n, how many earlier baskets of the household are known; 0 for a household that is not known.
    """

    baskets: csr_array
    purchases: csr_array
    visits: NDArray[np.float32]

    def __len__(self) -> int:
        """Count the baskets."""
        return len(self.visits)

    def __getitem__(self, rows: slice) -> "Queries":
        """Take some of the baskets."""
        return Queries(self.baskets[rows], self.purchases[rows], self.visits[rows])

    def anonymous(self) -> "Queries":
        """Forget the households."""
        return replace(self, purchases=self.purchases * np.float32(0), visits=np.zeros_like(self.visits))


def encode_baskets(baskets: pd.DataFrame, items: Items) -> csr_array:
    """Turn a basket table into a matrix.

    Args:
        baskets: At least `basket_id` and `item`.
        items: The columns, each once; other items are left out.

    Returns:
        Baskets in order of `basket_id` x items, 1 where the item is in the basket.
    """
    rows, known = pd.factorize(baskets["basket_id"], sort=True)
    return _fill(rows, baskets["item"], np.ones(len(baskets)), items, len(known))


def encode_queries(baskets: pd.DataFrame, history: pd.DataFrame, items: Items) -> Queries:
    """Turn a basket table and the history of households into queries, in order of `basket_id`.

    Args:
        baskets: At least `basket_id`, `household_id` and `item`.
        history: What `count_purchases` made of baskets that came before.
        items: What the model knows.
    """
    households, known = pd.factorize(history["household_id"], sort=True)
    purchases = _fill(households, history["item"], history["baskets"].to_numpy(), items, len(known) + 1)
    visits = history.groupby("household_id")["visits"].first().to_numpy(np.float32)
    owners = baskets.drop_duplicates("basket_id").sort_values("basket_id")["household_id"]
    places = pd.Index(known).get_indexer(owners)
    return Queries(encode_baskets(baskets, items), purchases[places], np.append(visits, np.float32(0))[places])


def encode_questions(questions: pd.DataFrame, items: Items) -> Queries:
    """Turn questions into queries, in their order.

    Args:
        questions: What `questions.tabulate_questions` gives.
        items: What the model knows.
    """
    households = questions.drop_duplicates("household_id")
    purchases = _spread(households["bought"], np.fromiter(chain.from_iterable(households["times"]), float), items)
    places = pd.Index(households["household_id"]).get_indexer(questions["household_id"])
    given = questions["given"]
    baskets = _spread(given, np.ones(given.map(len).sum()), items)
    return Queries(baskets, purchases[places], questions["visits"].to_numpy(np.float32))


def _spread(lists: pd.Series, values: NDArray, items: Items) -> csr_array:
    """Fill a row a list."""
    rows = np.repeat(np.arange(len(lists)), lists.map(len))
    return _fill(rows, np.fromiter(chain.from_iterable(lists), object), values, items, len(lists))


def _fill(rows: NDArray[np.intp], names: pd.Series | NDArray, values: NDArray, items: Items, count: int) -> csr_array:
    columns = pd.Index(items).get_indexer(names)
    known = columns >= 0
    cells = (values[known].astype(np.float32), (rows[known], columns[known]))
    return csr_array(cells, shape=(count, len(items)))
