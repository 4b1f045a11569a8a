import numpy as np
import pandas as pd

from product_recommendations import recommendations
from product_recommendations.features import count_purchases, encode_queries
from product_recommendations.item_ridge import ItemRidgeTrainer
from product_recommendations.popularity import Popularity, count_baskets
from product_recommendations.recommendations import rank_items, recommend


def test_ranks_are_those_of_a_full_sort_without_the_basket(baskets, monkeypatch):
    monkeypatch.setattr(recommendations, "CHUNK", 7)
    model = ItemRidgeTrainer().train(baskets)
    queries = encode_queries(baskets, count_purchases(baskets), model.items)
    places, scores = rank_items(model, queries, 3)
    expected = np.where(queries.baskets.toarray() > 0, -np.inf, model.score(queries))
    assert (places == np.argsort(-expected, axis=1)[:, :3]).all()
    assert (scores == np.take_along_axis(expected, places, axis=1)).all()
    assert not np.take_along_axis(queries.baskets.toarray(), places, axis=1).any()


def test_each_household_gets_items_for_its_latest_basket_that_are_not_in_it(baskets):
    table = recommend(ItemRidgeTrainer().train(baskets), baskets, k=4)
    latest = baskets.sort_values("time").groupby("household_id")["basket_id"].last()
    assert table.groupby("household_id")["basket_id"].first().equals(latest)
    assert table["rank"].tolist() == [1, 2, 3, 4] * 20
    assert table.groupby("household_id")["score"].apply(lambda score: score.is_monotonic_decreasing).all()
    assert table.merge(baskets, on=["basket_id", "item"]).empty


def test_a_basket_with_nearly_everything_gets_fewer_items():
    table = pd.DataFrame(
        {
            "household_id": 1,
            "basket_id": [1, 1, 1, 2, 2],
            "time": pd.to_datetime(["2017-01-01"] * 3 + ["2017-01-02"] * 2),
            "item": ["a", "b", "c", "a", "b"],
            "department": "GROCERY",
        }
    )
    assert recommend(Popularity.from_counts(count_baskets(table)), table, k=3)["item"].tolist() == ["c"]


def test_a_model_knows_of_a_household_what_the_table_says(baskets):
    model = ItemRidgeTrainer().train(baskets)
    latest = baskets["basket_id"] == baskets.loc[baskets["household_id"] == 7, "basket_id"].max()
    table = baskets.loc[~latest | (baskets["item"] != "j"), model.feature_names_in_]
    assert model.predict(table).equals(recommend(model, table))
    known, unknown = (model.predict(asked) for asked in (table, table[latest]))
    ranks = [found.query("household_id == 7 and item == 'j'")["rank"].item() for found in (known, unknown)]
    assert ranks[0] == 1 < ranks[1]
