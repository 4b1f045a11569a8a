"""How often the hidden item of a basket is among ten recommended ones."""

from collections.abc import Iterator

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from atoll import logger
from product_recommendations.features import encode_queries
from product_recommendations.item2vec import Item2Vec
from product_recommendations.popularity import Popularity
from product_recommendations.recommendations import Recommender, rank_items

K = 10
SEED = 0
RESAMPLES = 2_000
LEVEL = 0.95
FEWEST_HOUSEHOLDS = 15

BASELINE, MODEL = "popularity", "model"
ITEM2VEC, CALIBRATED, ANONYMOUS = "item2vec by cosine", "item2vec by probability", "model, household unknown"

TOP_DEPARTMENTS = 5
SIZE_BANDS = {"1 or 2": 2, "3 to 5": 5, "6 to 10": 10, "11 and more": np.inf}
VISIT_BANDS = {"under 50": 49, "50 to 99": 99, "100 to 199": 199, "200 and more": np.inf}
EVERYTHING = "all"


def evaluate(
    questions: pd.DataFrame, history: pd.DataFrame, popularity: Popularity, item2vec: Item2Vec, model: Recommender
) -> pd.DataFrame:
    """Measure the hit rate at 10 of the model, the baseline and item2vec on the same questions.

    Args:
        questions: What `split.hold_out` gives.
        history: What `features.count_purchases` gives, of training baskets.
        popularity: The baseline.
        item2vec: Measured by both of its scorings.
        model: Measured with and without the household's history.

    Returns:
        One row per slice, its value and recommender: `slice` and `value` ("all" for everything), `recommender`,
        `questions`, `households`, `hit_rate`, and `gain` (hit rate less the baseline's). `<measure>_low` and
        `<measure>_high` are the ends of a 95 % bootstrap interval: households are resampled, with all their baskets,
        the same ones for each recommender. Slices of fewer than 15 households are left out.
    """
    answers = questions[questions["held_out"]].reset_index(drop=True)
    hits = pd.DataFrame(
        {
            name: find_hits(recommender, questions, history, known)
            for name, recommender, known in (
                (BASELINE, popularity, False),
                (ITEM2VEC, item2vec.score_by("cosine"), False),
                (CALIBRATED, item2vec.score_by("probability"), False),
                (ANONYMOUS, model, False),
                (MODEL, model, True),
            )
        }
    )
    households, known = pd.factorize(answers["household_id"], sort=True)
    chances = np.full(len(known), 1 / len(known))
    drawn = np.random.default_rng(SEED).multinomial(len(known), chances, RESAMPLES).astype(float)
    rows = []
    for name, value, members in _slices(questions, answers, history):
        if len(np.unique(households[members])) >= FEWEST_HOUSEHOLDS:
            measured = _measure(hits[members], households[members], drawn)
            rows.append(measured.assign(slice=name, value=value))
    table = pd.concat(rows, ignore_index=True)
    logger.info("evaluated", questions=len(answers), households=len(known), slices=len(rows))
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


def find_hits(
    model: Recommender, questions: pd.DataFrame, history: pd.DataFrame, household_known: bool
) -> NDArray[np.bool_]:
    """Tell whether each hidden item is among the ten recommended, in order of `basket_id`."""
    answers = questions.loc[questions["held_out"], "item"].to_numpy(np.str_)
    queries = encode_queries(questions[~questions["held_out"]], history, model.items)
    places, _ = rank_items(model, queries if household_known else queries.anonymous(), K)
    return (model.items[places] == answers[:, None]).any(axis=1)


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


def _slices(
    questions: pd.DataFrame, answers: pd.DataFrame, history: pd.DataFrame
) -> Iterator[tuple[str, str, NDArray[np.bool_]]]:
    given = questions.groupby("basket_id").size().to_numpy() - 1
    visits = answers["household_id"].map(history.groupby("household_id")["visits"].first()).fillna(0)
    pairs = pd.MultiIndex.from_frame(history[["household_id", "item"]])
    repeated = pd.MultiIndex.from_frame(answers[["household_id", "item"]]).isin(pairs)
    departments = list(answers["department"].value_counts().index[:TOP_DEPARTMENTS])
    columns = {
        "items in the basket": (_band(given, SIZE_BANDS), list(SIZE_BANDS)),
        "earlier baskets of the household": (_band(visits, VISIT_BANDS), list(VISIT_BANDS)),
        "hidden item": (np.where(repeated, "bought before", "new to the household"), None),
        "department of the hidden item": (
            answers["department"].where(answers["department"].isin(departments), "all others").to_numpy(),
            [*departments, "all others"],
        ),
    }
    yield EVERYTHING, EVERYTHING, np.full(len(answers), True)
    for name, (column, order) in columns.items():
        for value in order or sorted(set(column)):
            yield name, value, column == value


def _band(column: object, upper_ends: dict[str, float]) -> NDArray[np.str_]:
    return np.asarray(pd.cut(column, [-np.inf, *upper_ends.values()], labels=list(upper_ends)).astype(str))


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
