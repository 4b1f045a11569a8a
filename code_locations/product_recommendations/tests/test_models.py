from dataclasses import replace
from functools import partial

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_array
from sklearn.decomposition import TruncatedSVD
from threadpoolctl import threadpool_info, threadpool_limits

from atoll import UserError
from product_recommendations.features import count_purchases, encode_baskets, encode_queries
from product_recommendations.item2vec import Item2VecTrainer
from product_recommendations.item_factors import ItemFactorsTrainer
from product_recommendations.item_ridge import ItemRidgeTrainer
from product_recommendations.popularity import Popularity, count_baskets
from product_recommendations.recommendations import rank_items


def ask(model, history, household, *items):
    """The three best items for one basket."""
    rows = [(household, 1, item) for item in items]
    table = pd.DataFrame(rows, columns=["household_id", "basket_id", "item"])
    places, _ = rank_items(model, encode_queries(table, history, model.items), 3)
    return model.items[places[0]].tolist()


@pytest.fixture(scope="module")
def history(baskets):
    return count_purchases(baskets)


@pytest.fixture(scope="module")
def item_ridge(baskets):
    return ItemRidgeTrainer(regularization=5.0).train(baskets)


@pytest.fixture(scope="module")
def item_factors(baskets):
    return ItemFactorsTrainer(components=4, history_weight=0.5).train(baskets)


@pytest.fixture(scope="module")
def item2vec(baskets):
    return Item2VecTrainer(dimensions=16, epochs=60).train(baskets)


def test_popularity_counts_each_basket_once_and_names_the_usual_department():
    table = pd.DataFrame(
        [(1, "a", "X"), (2, "a", "Y"), (3, "a", "Y"), (3, "b", "X")], columns=["basket_id", "item", "department"]
    )
    assert count_baskets(table).values.tolist() == [["a", "Y", 3, 1.0], ["b", "X", 1, 1 / 3]]


def test_popularity_recommends_the_most_frequent_items_that_are_not_in_the_basket(baskets, history):
    counts = count_baskets(baskets)
    top = counts["item"].tolist()[:4]
    assert top[0] == "milk"
    assert ask(Popularity.from_counts(counts), history, 1, "pasta") == top[:3]
    assert ask(Popularity.from_counts(counts), history, 1, "milk") == top[1:4]


def test_what_is_bought_together_is_recommended(history, item_ridge, item_factors, item2vec):
    for model in (item_ridge, item_factors, item2vec.score_by("probability")):
        assert "sauce" in ask(model, history, 1, "pasta")
        assert "sauce" not in ask(model, history, 1, "a")


def test_the_weights_solve_the_ridge_regression_of_each_item_on_the_others(baskets, item_ridge):
    matrix = encode_baskets(baskets, item_ridge.items).toarray().astype(float)
    for column in range(len(item_ridge.items)):
        others = np.delete(matrix, column, axis=1)
        gram = others.T @ others + 5.0 * np.eye(others.shape[1])
        expected = np.linalg.solve(gram, others.T @ matrix[:, column])
        assert np.delete(item_ridge.weights[:, column], column) == pytest.approx(expected, abs=1e-5)
        assert item_ridge.weights[column, column] == 0


@pytest.mark.parametrize(
    ("trainer", "owner", "solver"),
    [(ItemRidgeTrainer(), np.linalg, "inv"), (ItemFactorsTrainer(components=4), TruncatedSVD, "fit")],
)
def test_weights_are_solved_on_one_thread(trainer, owner, solver, baskets, monkeypatch):
    """Several threads add up in another order, and give other bits on a machine with another number of cores."""
    solve, threads = getattr(owner, solver), []

    def observe(*arguments):
        threads.extend(library["num_threads"] for library in threadpool_info())
        return solve(*arguments)

    monkeypatch.setattr(owner, solver, observe)
    with threadpool_limits(2):
        trainer.train(baskets)
    assert set(threads) == {1}


def test_the_weights_of_factors_project_on_the_strongest_ones():
    matrix = np.random.default_rng(1).random((300, 60)) < 0.1
    strongest = np.linalg.svd(matrix.astype(float), full_matrices=False)[2][:20]
    weights = ItemFactorsTrainer(components=20).weigh(csr_array(matrix, dtype=np.float32))
    assert weights == pytest.approx(strongest.T @ strongest, abs=1e-6)


def test_models_of_item_weights_know_what_a_household_buys_again(history, item_ridge, item_factors):
    for model in (item_ridge, item_factors):
        assert "j" in ask(model, history, 7, "a")
        assert "j" not in ask(model, history, 8, "a")


def test_for_an_unknown_household_the_rate_is_the_share_of_all_baskets(history, item_ridge):
    table = pd.DataFrame({"household_id": [999], "basket_id": [1], "item": ["never sold"]})
    score = item_ridge.score(encode_queries(table, history, item_ridge.items))[0]
    assert score == pytest.approx(0.5 * item_ridge.share)


def test_scoring_by_probability_adds_what_the_noise_took_away(history, item2vec):
    table = pd.DataFrame({"household_id": [1, 1], "basket_id": [1, 1], "item": ["a", "pasta"]})
    queries = encode_queries(table, history, item2vec.items)
    places = [item2vec.items.tolist().index(item) for item in ("a", "pasta")]
    expected = item2vec.contexts @ item2vec.vectors[places].mean(axis=0) + 0.75 * np.log(item2vec.counts)
    assert item2vec.score_by("probability").score(queries)[0] == pytest.approx(expected, abs=1e-4)


def test_cosines_do_not_depend_on_the_length_of_vectors(history, item2vec):
    table = pd.DataFrame({"household_id": [1], "basket_id": [1], "item": ["pasta"]})
    queries = encode_queries(table, history, item2vec.items)
    longer = replace(item2vec, vectors=item2vec.vectors * 3)
    assert longer.score(queries) == pytest.approx(item2vec.score(queries), abs=1e-5)
    assert item2vec.score(queries).max() == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("components", [0, 13])
def test_factors_that_a_matrix_does_not_have_are_explained(components, baskets):
    with pytest.raises(UserError) as error:
        ItemFactorsTrainer(components=components).train(baskets)
    assert str(error.value).splitlines() == [
        f"item_factors cannot keep {components} components.",
        "It learns from 400 baskets and 13 items, and keeps fewer factors than either.",
        "Set `components` to a number from 1 to 12.",
    ]


@pytest.mark.parametrize("trainer", [ItemRidgeTrainer, partial(ItemFactorsTrainer, components=4), Item2VecTrainer])
def test_rare_items_are_left_out(trainer, baskets):
    rare = pd.concat([baskets, baskets.iloc[:1].assign(item="rare")])
    assert "rare" not in trainer(minimum_baskets=2).train(rare).items
    assert "rare" in trainer(minimum_baskets=1).train(rare).items
