from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest

from atoll import UserError
from product_recommendations import evaluation
from product_recommendations.evaluation import evaluate, find_headlines, find_hits, score_questions, tabulate
from product_recommendations.features import count_purchases, encode_questions
from product_recommendations.item2vec import Item2VecTrainer
from product_recommendations.item_ridge import ItemRidgeTrainer
from product_recommendations.plots import draw_recommenders, draw_slices
from product_recommendations.popularity import Popularity, count_baskets
from product_recommendations.questions import tabulate_questions
from product_recommendations.split import START_OF_TEST, hold_out, split_baskets


@dataclass
class Fixed:
    """Scores items the same for every basket."""

    items: np.ndarray

    def score(self, queries):
        return np.tile(np.arange(len(self.items), 0, -1, dtype=np.float32), (len(queries), 1))


@pytest.fixture(scope="module")
def training(baskets):
    return split_baskets(baskets, START_OF_TEST)[0]


@pytest.fixture(scope="module")
def questions(baskets, training):
    popularity = Popularity.from_counts(count_baskets(training))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(evaluation, "K", 2)
        asked = hold_out(split_baskets(baskets, START_OF_TEST)[1], seed=0)
        yield tabulate_questions(asked, count_purchases(training), popularity)


@pytest.fixture(scope="module")
def model(training):
    return ItemRidgeTrainer(regularization=5.0).train(training)


@pytest.fixture(scope="module")
def table(questions, training, model):
    return evaluate(questions, Item2VecTrainer(dimensions=16, epochs=20).train(training), model)


def test_a_hit_is_a_hidden_item_among_the_best_that_are_not_in_the_basket(questions):
    asked = questions.head(3).assign(item=["c", "d", "never sold"], given=[["a"], ["c"], ["a"]])
    model = Fixed(np.array(["a", "b", "c", "d"]))
    assert find_hits(model, encode_questions(asked, model.items), asked["item"]).tolist() == [True, False, False]


def test_the_gate_scores_a_question_as_the_evaluation_does(questions, model, table):
    scores = score_questions(model, questions)
    assert len(scores) == len(questions)
    assert scores.mean() == pytest.approx(find_headlines(table)["hit_rate"])


def test_an_unknown_household_is_one_without_history(questions, model, table):
    nothing = [[]] * len(questions)
    scores = score_questions(model, questions.assign(bought=nothing, times=nothing, visits=0))
    measured = table[table["slice"] == "all"].set_index("recommender")["hit_rate"]
    assert scores.mean() == pytest.approx(measured["model, household unknown"])
    assert measured["model, household unknown"] != measured["model"]


def test_a_model_that_has_learnt_from_the_questions_is_not_judged_by_them(questions, baskets):
    with pytest.raises(UserError) as error:
        score_questions(ItemRidgeTrainer().train(baskets), questions)
    assert str(error.value).splitlines() == [
        "The model cannot be judged by these questions.",
        "It has learnt from baskets until 2017-12-09 18:00:00, and they begin 2017-11-01 00:00:00.",
        "Train it on baskets from before START_OF_TEST (split.py).",
    ]


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
