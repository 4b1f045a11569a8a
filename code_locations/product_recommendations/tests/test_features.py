import numpy as np
import pandas as pd

from product_recommendations.features import count_purchases, encode_baskets, encode_queries

ITEMS = np.array(["a", "b", "c"])
PAST = pd.DataFrame(
    [(1, 10, "a"), (1, 10, "b"), (1, 11, "a"), (2, 12, "c"), (2, 12, "unknown")],
    columns=["household_id", "basket_id", "item"],
)


def test_purchases_count_baskets_and_visits():
    assert count_purchases(PAST).values.tolist() == [
        [1, "a", 2, 2],
        [1, "b", 1, 2],
        [2, "c", 1, 1],
        [2, "unknown", 1, 1],
    ]


def test_baskets_become_rows_in_order_and_unknown_items_nothing():
    shuffled = PAST.iloc[[4, 2, 0, 3, 1]]
    assert encode_baskets(shuffled, ITEMS).toarray().tolist() == [[1, 1, 0], [1, 0, 0], [0, 0, 1]]


def test_queries_hold_the_household_of_each_basket():
    asked = pd.DataFrame(
        [(2, 31, "a"), (1, 30, "c"), (3, 32, "unknown")], columns=["household_id", "basket_id", "item"]
    )
    queries = encode_queries(asked, count_purchases(PAST), ITEMS)
    assert queries.baskets.toarray().tolist() == [[0, 0, 1], [1, 0, 0], [0, 0, 0]]
    assert queries.purchases.toarray().tolist() == [[2, 1, 0], [0, 0, 1], [0, 0, 0]]
    assert queries.visits.tolist() == [2, 1, 0]


def test_an_anonymous_query_keeps_only_the_basket():
    queries = encode_queries(PAST, count_purchases(PAST), ITEMS)
    anonymous = queries.anonymous()
    assert anonymous.baskets.toarray().tolist() == queries.baskets.toarray().tolist()
    assert anonymous.purchases.sum() == 0
    assert anonymous.visits.sum() == 0
