"""Training and test baskets by time, and the question each test basket asks."""

from datetime import datetime

import pandas as pd
from pandas.util import hash_pandas_object

from atoll import logger

START_OF_TEST = datetime(2017, 11, 1)


def split_baskets(baskets: pd.DataFrame, start_of_test: datetime) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Split the basket table by time: baskets before `start_of_test`, and baskets from then on."""
    before = baskets["time"] < start_of_test
    return baskets[before].reset_index(drop=True), baskets[~before].reset_index(drop=True)


def hold_out(baskets: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Hide one item of each basket that has at least two.

    Which one depends on the seed, the basket and its items alone: not on the order of rows, nor on other baskets. Each
    item of a basket is as likely as the others, also one that was never sold before.

    Args:
        baskets: Basket table.
        seed: Another seed hides other items.

    Returns:
        The rows of those baskets, ordered by basket and item, with the column `held_out`: true in one row per basket.
    """
    questions = baskets[baskets.groupby("basket_id")["item"].transform("size") > 1]
    questions = questions.sort_values(["basket_id", "item"]).reset_index(drop=True)
    drawn_from = questions[["basket_id", "item"]].assign(seed=seed)
    lottery = hash_pandas_object(drawn_from, index=False)  # ty: ignore[not-callable]  # pandas loads it lazily
    drawn = lottery.groupby(questions["basket_id"]).idxmin()
    questions["held_out"] = questions.index.isin(drawn)
    logger.info("held out one item per basket", baskets=len(drawn))
    return questions
