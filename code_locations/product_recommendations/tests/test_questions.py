import numpy as np
import pandas as pd
import pytest

from product_recommendations.features import count_purchases, encode_queries, encode_questions
from product_recommendations.popularity import Popularity, count_baskets
from product_recommendations.questions import tabulate_questions
from product_recommendations.split import START_OF_TEST, hold_out, split_baskets


@pytest.fixture(scope="module")
def history(baskets):
    training = split_baskets(baskets, START_OF_TEST)[0]
    return count_purchases(training[training["household_id"] != 5])


@pytest.fixture(scope="module")
def asked(baskets):
    return hold_out(split_baskets(baskets, START_OF_TEST)[1], seed=0)


@pytest.fixture(scope="module")
def questions(baskets, asked, history):
    return tabulate_questions(asked, history, Popularity.from_counts(count_baskets(baskets)))


def test_a_question_is_a_basket_without_its_hidden_item(questions, asked):
    rows = {row.basket_id: {row.item, *row.given} for row in questions.itertuples()}
    assert rows == {basket: set(items) for basket, items in asked.groupby("basket_id")["item"]}
    assert questions["item"].tolist() == asked.query("held_out").sort_values("basket_id")["item"].tolist()
    assert not any(row.item in row.given for row in questions.itertuples())


def test_a_question_says_what_its_household_had(questions, history):
    known = history[history["household_id"] == 7]
    row = questions.query("household_id == 7").iloc[0]
    assert dict(zip(row["bought"], row["times"], strict=True)) == dict(
        zip(known["item"], known["baskets"], strict=True)
    )
    assert (row["visits"], row["item"] in row["bought"]) == (
        known["visits"].iloc[0],
        row["repetition"] != "new to the household",
    )
    unknown = questions.query("household_id == 5")
    assert len(unknown) and not unknown["visits"].any() and not unknown["bought"].map(len).any()
    assert (unknown["repetition"] == "new to the household").all() and (unknown["activity"] == "under 50").all()


def test_a_model_is_asked_the_same_as_with_baskets_and_history(questions, asked, history):
    items = np.array(["a", "j", "milk", "pasta", "sauce"])
    expected = encode_queries(asked[~asked["held_out"]], history, items)
    for rows in (questions, pd.concat([questions.tail(9), questions.head(3)])):
        places = questions["basket_id"].isin(rows["basket_id"]).to_numpy().nonzero()[0]
        found = encode_questions(rows.sort_values("basket_id"), items)
        assert (found.baskets.toarray() == expected.baskets.toarray()[places]).all()
        assert (found.purchases.toarray() == expected.purchases.toarray()[places]).all()
        assert (found.visits == expected.visits[places]).all()


def test_slices_are_bands_in_order_and_the_largest_departments(asked, history, baskets):
    departments = np.array([f"D{number % 7}" for number in asked["basket_id"]])
    popularity = Popularity.from_counts(count_baskets(baskets))
    questions = tabulate_questions(asked.assign(department=departments), history, popularity)
    assert questions["basket_size"].cat.categories.tolist() == ["1 or 2", "3 to 5", "6 to 10", "11 and more"]
    sizes = questions["given"].map(len)
    assert (questions["basket_size"] == np.where(sizes < 3, "1 or 2", "3 to 5")).all()
    assert len(questions["department"].cat.categories) == 6
    assert questions["department"].cat.categories[-1] == "all others"
