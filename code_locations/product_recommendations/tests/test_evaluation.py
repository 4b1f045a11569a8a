from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest

from product_recommendations import evaluation
from product_recommendations.evaluation import evaluate, find_headlines, find_hits, tabulate
from product_recommendations.features import count_purchases
from product_recommendations.item2vec import Item2VecTrainer
from product_recommendations.item_ridge import ItemRidgeTrainer
from product_recommendations.plots import draw_recommenders, draw_slices
from product_recommendations.popularity import Popularity, count_baskets
from product_recommendations.split import START_OF_TEST, hold_out, split_baskets


@dataclass
class Fixed:
    """Scores items the same for every basket."""

    items: np.ndarray

    def score(self, queries):
        return np.tile(np.arange(len(self.items), 0, -1, dtype=np.float32), (len(queries), 1))


@pytest.fixture(scope="module")
def table(baskets):
    training, test = split_baskets(baskets, START_OF_TEST)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(evaluation, "K", 2)
        return evaluate(
            hold_out(test, seed=0),
            count_purchases(training),
            Popularity.from_counts(count_baskets(training)),
            Item2VecTrainer(dimensions=16, epochs=20).train(training),
            ItemRidgeTrainer(regularization=5.0).train(training),
        )


def test_a_hit_is_a_hidden_item_among_the_best_that_are_not_in_the_basket(monkeypatch):
    monkeypatch.setattr(evaluation, "K", 2)
    questions = pd.DataFrame(
        [
            (1, 1, "a", False),
            (1, 1, "c", True),
            (1, 2, "c", False),
            (1, 2, "d", True),
            (1, 3, "a", False),
            (1, 3, "never sold", True),
        ],
        columns=["household_id", "basket_id", "item", "held_out"],
    )
    model = Fixed(np.array(["a", "b", "c", "d"]))
    hits = find_hits(model, questions, count_purchases(questions), household_known=True)
    assert hits.tolist() == [True, False, False]


def test_rates_and_gains_are_those_of_the_hits():
    hits = pd.DataFrame({"popularity": [1, 0, 0, 0], "model": [1, 1, 0, 1]}).astype(bool)
    measured = evaluation._measure(hits, np.array([0, 0, 1, 1]), np.array([[2.0, 0.0], [0.0, 2.0], [1.0, 1.0]]))
    assert measured["hit_rate"].tolist() == [0.25, 0.75]
    assert measured["gain"].tolist() == [0.0, 0.5]
    assert measured[["gain_low", "gain_high"]].to_numpy()[1] == pytest.approx([0.5, 0.5])
    assert measured[["hit_rate_low", "hit_rate_high"]].to_numpy()[1] == pytest.approx([0.5125, 0.9875])


def test_households_are_resampled_whole():
    """Copying each basket of a household tells nothing new: the interval must not shrink."""
    draw = np.random.default_rng(0)
    hits, households = draw.random((60, 1)) < 0.4, np.arange(60)
    drawn = draw.multinomial(60, np.full(60, 1 / 60), 500).astype(float)
    once = evaluation._measure(pd.DataFrame(hits, columns=["popularity"]), households, drawn)
    copied = pd.DataFrame(np.repeat(hits, 10, axis=0), columns=["popularity"])
    often = evaluation._measure(copied, np.repeat(households, 10), drawn)
    for end in ("hit_rate_low", "hit_rate_high"):
        assert often[end].iloc[0] == pytest.approx(once[end].iloc[0])


def test_every_recommender_is_measured_on_the_same_questions_in_every_slice(table):
    sizes = table.groupby(["slice", "value"])[["questions", "households"]].nunique()
    assert (sizes == 1).all(axis=None)
    assert (table.groupby(["slice", "value"]).size() == 5).all()
    assert table["slice"].nunique() >= 4
    assert (table["households"] >= 15).all()


def test_intervals_hold_their_estimate(table):
    for measure in ("hit_rate", "gain"):
        assert (table[f"{measure}_low"] <= table[measure]).all()
        assert (table[measure] <= table[f"{measure}_high"]).all()
    everything = table[table["slice"] == "all"]
    assert (everything["hit_rate_low"] < everything["hit_rate_high"]).all()


def test_the_gain_of_the_baseline_is_zero(table):
    rows = table[table["recommender"] == "popularity"]
    assert (rows[["gain", "gain_low", "gain_high"]] == 0).all(axis=None)


def test_headlines_are_those_of_everything(table):
    headlines = find_headlines(table)
    assert headlines["gain"] == pytest.approx(headlines["hit_rate"] - headlines["hit_rate_baseline"])
    assert headlines["gain"] > 0
    assert f"{headlines['hit_rate']:.3f}" in tabulate(table)


def test_the_table_names_every_recommender_best_first(table):
    lines = tabulate(table).splitlines()[2:]
    rates = [float(line.split("|")[2]) for line in lines]
    assert len(lines) == 5
    assert rates == sorted(rates, reverse=True)


def test_figures_show_every_recommender_and_every_slice(table):
    recommenders = {label.get_text() for label in draw_recommenders(table).axes[0].get_yticklabels()}
    assert recommenders == set(table["recommender"])
    shown = " ".join(label.get_text() for label in draw_slices(table).axes[0].get_yticklabels())
    for name in set(table["slice"]) - {"all"}:
        assert name in shown
