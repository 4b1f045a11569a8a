"""How often the hidden item of a basket is among ten recommended ones."""

from collections.abc import Iterator

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from atoll import UserError, logger
from product_recommendations.features import Queries, encode_questions
from product_recommendations.item2vec import Item2Vec
from product_recommendations.recommendations import Model, Recommender, rank_items

K = 10
SEED = 0
RESAMPLES = 2_000
LEVEL = 0.95
FEWEST_HOUSEHOLDS = 15

BASELINE, MODEL = "popularity", "model"
ITEM2VEC, CALIBRATED, ANONYMOUS = "item2vec by cosine", "item2vec by probability", "model, household unknown"

EVERYTHING = "all"
# Columns of the questions, by what the figures call them.
SLICES = {
    "items in the basket": "basket_size",
    "earlier baskets of the household": "activity",
    "hidden item": "repetition",
    "department of the hidden item": "department",
}


def evaluate(questions: pd.DataFrame, item2vec: Item2Vec, model: Recommender) -> pd.DataFrame:
    """Measure the hit rate at 10 of the model, the baseline and item2vec on the same questions.

    Args:
        questions: What `questions.tabulate_questions` gives.
        item2vec: Measured by both of its scorings.
        model: Measured with and without the household's history.

    Returns:
        One row per slice, its value and recommender: `slice` and `value` ("all" for everything), `recommender`,
        `questions`, `households`, `hit_rate`, and `gain` (hit rate less the baseline's). `<measure>_low` and
        `<measure>_high` are the ends of a 95 % bootstrap interval: households are resampled, with all their baskets,
        the same ones for each recommender. Slices of fewer than 15 households are left out.
    """
    hidden = questions["item"]
    words, asked = (encode_questions(questions, recommender.items) for recommender in (item2vec, model))
    hits = pd.DataFrame(
        {
            BASELINE: questions["popularity"].to_numpy(),
            ITEM2VEC: find_hits(item2vec.score_by("cosine"), words, hidden),
            CALIBRATED: find_hits(item2vec.score_by("probability"), words, hidden),
            ANONYMOUS: find_hits(model, asked.anonymous(), hidden),
            MODEL: find_hits(model, asked, hidden),
        }
    )
    households, known = pd.factorize(questions["household_id"], sort=True)
    chances = np.full(len(known), 1 / len(known))
    drawn = np.random.default_rng(SEED).multinomial(len(known), chances, RESAMPLES).astype(float)
    rows = []
    for name, value, members in _slices(questions):
        if len(np.unique(households[members])) >= FEWEST_HOUSEHOLDS:
            measured = _measure(hits[members], households[members], drawn)
            rows.append(measured.assign(slice=name, value=value))
    table = pd.concat(rows, ignore_index=True)
    logger.info("evaluated", questions=len(questions), households=len(known), slices=len(rows))
    return table[["slice", "value", *table.columns.drop(["slice", "value"])]]


def find_headlines(table: pd.DataFrame) -> dict[str, float]:
    """Pick from what `evaluate` measured what says most: hit rate and gain of the model, and the others' hit rates."""
    rows = table[table["slice"] == EVERYTHING].set_index("recommender")
    measures = ["hit_rate", "hit_rate_low", "hit_rate_high", "gain", "gain_low", "gain_high"]
    return {
        **{measure: float(rows.loc[MODEL, measure]) for measure in measures},
        "hit_rate_baseline": float(rows.loc[BASELINE, "hit_rate"]),
        "hit_rate_item2vec": float(rows.loc[ITEM2VEC, "hit_rate"]),
    }


def find_hits(model: Recommender, queries: Queries, hidden: pd.Series) -> NDArray[np.bool_]:
    """Tell whether each hidden item is among the ten recommended."""
    places, _ = rank_items(model, queries, K)
    return (model.items[places] == hidden.to_numpy(np.str_)[:, None]).any(axis=1)


def score_questions(model: Model, questions: pd.DataFrame) -> NDArray[np.bool_]:
    """Tell whether a model finds each hidden item, if it can be judged by these questions.

    Args:
        model: What recommends.
        questions: What `questions.tabulate_questions` gives.

    Raises:
        UserError: It has learnt from baskets as late as these.
    """
    first = questions["time"].min()
    if model.until >= first:
        raise UserError(
            "The model cannot be judged by these questions.",
            f"It has learnt from baskets until {model.until}, and they begin {first}.",
            "Train it on baskets from before START_OF_TEST (split.py).",
        )
    return find_hits(model, encode_questions(questions, model.items), questions["item"])


def _measure(hits: pd.DataFrame, households: NDArray[np.intp], drawn: NDArray[np.float64]) -> pd.DataFrame:
    """Resample households; `drawn` is resamples x households, how often each one is drawn."""
    count = drawn.shape[1]
    totals = np.column_stack([np.bincount(households, column, count) for column in hits.to_numpy(float).T])
    rates = (drawn @ totals) / (drawn @ np.bincount(households, minlength=count))[:, None]
    rate = hits.mean().to_numpy()
    baseline = list(hits.columns).index(BASELINE)
    columns: dict[str, object] = {
        "recommender": hits.columns,
        "questions": len(hits),
        "households": len(np.unique(households)),
    }
    for measure, value, resampled in (
        ("hit_rate", rate, rates),
        ("gain", rate - rate[baseline], rates - rates[:, baseline, None]),
    ):
        low, high = np.quantile(resampled, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=0)
        columns |= {measure: value, f"{measure}_low": low, f"{measure}_high": high}
    return pd.DataFrame(columns)


def _slices(questions: pd.DataFrame) -> Iterator[tuple[str, str, NDArray[np.bool_]]]:
    yield EVERYTHING, EVERYTHING, np.full(len(questions), True)
    for name, column in SLICES.items():
        for value in questions[column].cat.categories:
            yield name, value, (questions[column] == value).to_numpy()


def tabulate(table: pd.DataFrame) -> str:
    """Write what `evaluate` measured on everything as a Markdown table, best recommender first."""
    lines = [
        "| recommender | hit rate at 10 | 95 % interval | more than popularity | 95 % interval |",
        "| --- | ---: | --- | ---: | --- |",
    ]
    for row in table[table["slice"] == EVERYTHING].sort_values("hit_rate", ascending=False).to_dict("records"):
        rate = f"{row['hit_rate']:.3f} | {row['hit_rate_low']:.3f} to {row['hit_rate_high']:.3f}"
        gain = f"{row['gain']:+.3f} | {row['gain_low']:+.3f} to {row['gain_high']:+.3f}"
        lines.append(f"| {row['recommender']} | {rate} | {' | ' if row['recommender'] == BASELINE else gain} |")
    return "\n".join(lines)
