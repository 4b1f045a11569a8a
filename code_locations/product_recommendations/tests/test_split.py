import pandas as pd
import pytest

from product_recommendations.features import count_purchases
from product_recommendations.popularity import count_baskets
from product_recommendations.split import START_OF_TEST, hold_out, split_baskets


def test_every_basket_is_on_one_side_and_whole(baskets):
    training, test = split_baskets(baskets, START_OF_TEST)
    assert training["time"].max() < START_OF_TEST <= test["time"].min()
    assert not set(training["basket_id"]) & set(test["basket_id"])
    assert len(training) + len(test) == len(baskets)


def test_nothing_of_the_test_period_reaches_training_features_or_popularity(baskets):
    later = baskets["time"] >= START_OF_TEST
    altered = baskets.copy()
    altered.loc[later, "item"] = "something else"
    altered.loc[later, "household_id"] = 7
    altered.loc[later, "department"] = "ELSEWHERE"
    assert not altered.equals(baskets)
    as_it_was, changed = (split_baskets(table, START_OF_TEST)[0] for table in (baskets, altered))
    pd.testing.assert_frame_equal(as_it_was, changed)
    for made in (count_purchases, count_baskets):
        pd.testing.assert_frame_equal(made(as_it_was), made(changed))


def test_each_basket_of_several_items_hides_one(baskets):
    single = baskets.drop_duplicates("basket_id").assign(basket_id=lambda table: table["basket_id"] + 5000)
    questions = hold_out(pd.concat([baskets, single]), seed=0)
    assert set(questions["basket_id"]) == set(baskets["basket_id"])
    assert (questions.groupby("basket_id")["held_out"].sum() == 1).all()


def test_the_hidden_item_depends_on_basket_and_seed_alone(baskets):
    hidden = hold_out(baskets, seed=0).query("held_out")
    shuffled = hold_out(baskets.sample(frac=1, random_state=3), seed=0).query("held_out")
    part = hold_out(baskets[baskets["basket_id"] < 1200], seed=0).query("held_out")
    assert hidden["item"].tolist() == shuffled["item"].tolist()
    assert hidden["item"].tolist()[: len(part)] == part["item"].tolist()
    assert hidden["item"].tolist() != hold_out(baskets, seed=1).query("held_out")["item"].tolist()


def test_each_item_of_a_basket_is_as_likely_to_be_hidden():
    pairs = pd.DataFrame({"basket_id": range(4_000)}).merge(pd.DataFrame({"item": ["a", "b", "c", "d"]}), how="cross")
    shares = hold_out(pairs, seed=0).query("held_out")["item"].value_counts(normalize=True)
    assert shares.to_numpy() == pytest.approx(0.25, abs=0.03)
