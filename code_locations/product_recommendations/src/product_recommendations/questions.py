"""What test baskets ask, one row a question: by these rows models are judged."""

import numpy as np
import pandas as pd

from product_recommendations.evaluation import find_hits
from product_recommendations.features import encode_questions
from product_recommendations.popularity import Popularity

TOP_DEPARTMENTS = 5
SIZE_BANDS = {"1 or 2": 2, "3 to 5": 5, "6 to 10": 10, "11 and more": np.inf}
VISIT_BANDS = {"under 50": 49, "50 to 99": 99, "100 to 199": 199, "200 and more": np.inf}


def tabulate_questions(baskets: pd.DataFrame, history: pd.DataFrame, popularity: Popularity) -> pd.DataFrame:
    """Put each question in one row, with all that a model is asked with.

    Args:
        baskets: What `split.hold_out` gives.
        history: What `features.count_purchases` made of baskets that came before.
        popularity: The baseline.

    Returns:
        One row a basket, in order of `basket_id`: `household_id`, `basket_id`, `time`, `item` (the hidden one), `given`
        (the others); `bought`, `times` and `visits`: which items the household had, in how many baskets each, and in
        how many baskets altogether, the same in all rows of a household. Slices are categories: `basket_size` (items
        given), `activity` (of the household, in visits), `repetition` (whether it had the hidden item) and `department`
        (of the hidden item). `popularity` tells whether the baseline finds the hidden item.
    """
    hidden = baskets[baskets["held_out"]].sort_values("basket_id").reset_index(drop=True)
    given = baskets[~baskets["held_out"]].groupby("basket_id")["item"].agg(list)
    households = history.groupby("household_id")
    items, counts = households["item"].agg(list).to_dict(), households["baskets"].agg(list).to_dict()
    owners = hidden["household_id"]
    bought = [items.get(owner, []) for owner in owners]
    visits = owners.map(households["visits"].first()).fillna(0)
    repeated = [item in known for item, known in zip(hidden["item"], bought, strict=True)]
    departments = list(hidden["department"].value_counts().index[:TOP_DEPARTMENTS])
    department = hidden["department"].where(hidden["department"].isin(departments), "all others")
    table = hidden[["household_id", "basket_id", "time", "item"]].assign(
        given=given.to_numpy(),
        bought=bought,
        times=[counts.get(owner, []) for owner in owners],
        visits=visits.astype(int),
        basket_size=_band(given.map(len).to_numpy(), SIZE_BANDS),
        activity=_band(visits, VISIT_BANDS),
        repetition=pd.Categorical(np.where(repeated, "bought before", "new to the household")),
        department=pd.Categorical(department, [*departments, "all others"]),
    )
    return table.assign(popularity=find_hits(popularity, encode_questions(table, popularity.items), table["item"]))


def _band(column: object, upper_ends: dict[str, float]) -> pd.Categorical:
    return pd.Categorical(pd.cut(column, [-np.inf, *upper_ends.values()], labels=list(upper_ends)), ordered=True)
