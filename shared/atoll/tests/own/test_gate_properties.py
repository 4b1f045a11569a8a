"""What does not change a judgement, and that metrics are scikit-learn's."""

import hypothesis.strategies as st
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from sklearn import metrics

from atoll.promotion.comparison import METRICS
from atoll.promotion.gate import Gate, HeldOut, judge
from atoll.promotion.held_out import MODELS

EIGHTHS = st.integers(0, 8).map(lambda eighth: eighth / 8)
SCORERS = {
    "roc_auc": metrics.roc_auc_score,
    "neg_brier_score": lambda truth, predictions: -metrics.brier_score_loss(truth, predictions),
    "neg_log_loss": lambda truth, predictions: -metrics.log_loss(truth, predictions, labels=[0, 1]),
    "neg_mean_absolute_error": lambda truth, predictions: -metrics.mean_absolute_error(truth, predictions),
    "accuracy": metrics.accuracy_score,
}


@st.composite
def held_outs(draw):
    """Rows with both classes in each of four units or more; many predictions are equal, and some are 0 and 1."""
    units = draw(st.integers(4, 8))
    rows = draw(st.integers(2 * units, 40))
    values = [draw(st.lists(EIGHTHS, min_size=rows, max_size=rows)) for _ in range(3)]
    challenger, champion, baseline = (np.array(value) for value in values)
    row = np.arange(rows)
    return HeldOut(row // units % 2, challenger, champion, baseline, units=row % units, slices={"half": row % 2})


def take(held_out: HeldOut, order) -> HeldOut:
    arrays = {name: getattr(held_out, name) for name in ("truth", *MODELS, "units")}
    taken = {name: None if array is None else array[order] for name, array in arrays.items()}
    return HeldOut(**taken, slices={name: labels[order] for name, labels in held_out.slices.items()})


def list_numbers(figures, *names):
    return [figures[name] for name in names or (*GAIN, "challenger", "champion", "baseline", "baseline_gain_low")]


GAIN = ("gain", "gain_low", "gain_high")


@given(held_outs(), st.sampled_from(METRICS), st.randoms(use_true_random=False))
@settings(deadline=None)
def test_the_order_of_rows_and_the_names_of_units_change_nothing(held_out, metric, random):
    order = random.sample(range(len(held_out.truth)), len(held_out.truth))
    names = np.array(random.sample("abcdefgh", 8))
    other = take(held_out, order)
    other = HeldOut(**{**vars(other), "units": names[other.units]})
    gate = Gate(metric, slice_rows=1)
    first, second = (judge(gate, rows).figures for rows in (held_out, other))
    assert list_numbers(second) == pytest.approx(list_numbers(first), abs=1e-12)
    assert [row["gain"] for row in second["slices"]] == pytest.approx([row["gain"] for row in first["slices"]])


@pytest.mark.parametrize("units", [None, np.arange(900) % 450], ids=["every row", "450 units"])
@pytest.mark.parametrize("metric", METRICS)
def test_the_order_of_rows_changes_nothing_where_units_are_joined(metric, units):
    rng = np.random.default_rng(0)
    held_out = HeldOut(rng.integers(0, 2, 900), *rng.integers(0, 9, (3, 900)) / 8, units=units)
    first, second = (judge(Gate(metric), rows).figures for rows in (held_out, take(held_out, rng.permutation(900))))
    assert list_numbers(second) == pytest.approx(list_numbers(first), abs=1e-12)


@given(held_outs(), st.sampled_from(METRICS))
@settings(deadline=None)
def test_swapping_challenger_and_champion_turns_the_gain_around(held_out, metric):
    swapped = HeldOut(**{**vars(held_out), "challenger": held_out.champion, "champion": held_out.challenger})
    first, second = (judge(Gate(metric), rows).figures for rows in (held_out, swapped))
    turned = [-value for value in list_numbers(second, "gain", "gain_high", "gain_low")]
    assert turned == pytest.approx(list_numbers(first, *GAIN), abs=1e-12)


@given(held_outs(), st.integers(-99, 99))
@settings(deadline=None)
def test_a_constant_shift_leaves_the_area_alone(held_out, shift):
    shifted = HeldOut(**{**vars(held_out), "challenger": held_out.challenger + shift})
    first, second = (judge(Gate("roc_auc"), rows).figures for rows in (held_out, shifted))
    assert list_numbers(first) == list_numbers(second)


@given(held_outs())
@settings(deadline=None)
def test_it_is_never_both_ways(held_out):
    swapped = HeldOut(**{**vars(held_out), "challenger": held_out.champion, "champion": held_out.challenger})
    gate = Gate("roc_auc", error_rate=0.49, beat_baseline=False)
    assert not (judge(gate, held_out).promoted and judge(gate, swapped).promoted)


@given(held_outs(), st.sampled_from(sorted(SCORERS)))
@settings(deadline=None)
def test_metrics_are_those_of_scikit_learn(held_out, metric):
    if metric == "accuracy":
        held_out = HeldOut(*(np.round(getattr(held_out, name)).astype(int) for name in ("truth", *MODELS)))
    figures = judge(Gate(metric), held_out).figures
    for name in MODELS:
        assert figures[name] == pytest.approx(SCORERS[metric](held_out.truth, getattr(held_out, name)))


def test_pandas_is_taken_as_it_comes():
    days = pd.Series(pd.date_range("2013-03-17", periods=4, tz="America/New_York").repeat(5))
    kinds = pd.Categorical(["jet"] * 20, categories=["jet", "propeller"])
    rows = pd.DataFrame({"late": [True, False] * 10, "ours": np.linspace(0, 1, 20), "day": days, "kind": kinds}).iloc[
        ::-1
    ]
    held_out = HeldOut(rows["late"], rows["ours"], 1 - rows["ours"], units=rows["day"], slices={"kind": rows["kind"]})
    figures = judge(Gate("neg_brier_score", slice_rows=1), held_out).figures
    assert (figures["rows"], figures["units"]) == (20, 4)
    jet, propeller = figures["slices"]
    assert (jet["value"], jet["rows"], jet["judged"]) == ("jet", 20, True)
    assert (propeller["value"], propeller["rows"], propeller["judged"]) == ("propeller", 0, False)
    assert propeller["why"] == "fewer than 1 rows: 0"


@pytest.mark.parametrize(
    ("metric", "predictions"),
    [
        ("accuracy", pd.array(["a", pd.NA, "b", "a"], dtype="string")),
        ("mean", pd.array([0.5, pd.NA, 1, 1], dtype="Float64")),
    ],
)
def test_missing_values_of_pandas_are_no_predictions(metric, predictions):
    judgement = judge(Gate(metric), HeldOut(list("aaba"), predictions))
    assert not judgement.promoted
    assert judgement.reason.startswith("Refused: the challenger's predictions cannot be judged: ")
