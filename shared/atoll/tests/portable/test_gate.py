"""The gate: what is promoted, what is refused."""

import math

import numpy as np
import pytest
from judged import BETTER, DAYS, MEAN, NOTHING, QUANTILE, REACH, classes, condition, scores

from atoll import UserError
from atoll.promotion.gate import Gate, HeldOut, judge

HEAVY = ("dagster", "mlflow", "pandas", "polars", "pyarrow", "numpy", "scipy", "sklearn")


def test_importing_it_stays_light(run_python):
    done = run_python(
        "-c", f"import atoll.promotion.gate, sys\nprint([name for name in {HEAVY} if name in sys.modules])"
    )
    assert done.stdout == "[]\n", done.stderr


def test_a_sure_gain_is_promoted():
    judgement = judge(MEAN, scores())
    assert judgement.promoted
    assert judgement.figures["challenger"] == 4
    assert judgement.figures["champion"] == 0
    assert judgement.figures["gain"] == 4
    assert judgement.figures["gain_low"] == pytest.approx(4 - REACH)
    assert judgement.figures["gain_high"] == pytest.approx(4 + REACH)
    assert (judgement.figures["rows"], judgement.figures["units"]) == (6, 3)
    assert judgement.reason == (
        "Promoted: mean is 4 over 6 rows in 3 units; the champion's is 0, a gain of +4 (90 % interval +2.31 to +5.69) "
        "whose lower end is above 0; no data check failed."
    )


def test_a_gain_that_is_not_sure_is_refused():
    judgement = judge(MEAN, scores(challenger=[-1.0, -1.0, 2.0, 2.0, 5.0, 5.0]))
    assert not judgement.promoted
    assert judgement.figures["gain"] == 2
    assert judgement.figures["gain_low"] == pytest.approx(2 - 3 * REACH)
    assert judgement.reason == (
        "Refused: mean is 2 over 6 rows in 3 units; the champion's is 0, a gain of +2 (90 % interval -3.06 to +7.06) "
        "whose lower end is not above 0."
    )


def test_rows_of_a_unit_are_no_evidence_of_their_own():
    held_out = scores(challenger=np.repeat([-1.0, 2.0, 5.0], 100), champion=np.zeros(300))
    together = HeldOut(np.zeros(300), held_out.challenger, held_out.champion, units=np.repeat([1, 2, 3], 100))
    assert not judge(MEAN, together).promoted
    alone = judge(MEAN, HeldOut(np.zeros(300), held_out.challenger, held_out.champion))
    assert alone.promoted
    assert alone.figures["units"] == 300


def test_a_stricter_rate_takes_more():
    assert not judge(Gate("mean", error_rate=0.005, beat_baseline=False), scores()).promoted


def test_the_lower_end_must_be_above_the_minimum_gain():
    assert judge(Gate("mean", minimum_gain=2.31, beat_baseline=False), scores()).promoted
    judgement = judge(Gate("mean", minimum_gain=2.32, beat_baseline=False), scores())
    assert not judgement.promoted
    assert judgement.reason.endswith("whose lower end is not above 2.32.")


def test_a_constant_gain_is_compared_without_its_rounding():
    champion = np.array([0.1, 0.7, 1.3, 2.9, 3.1, 4.7])
    held_out = scores(challenger=champion + 0.1, champion=champion)
    assert judge(Gate("mean", minimum_gain=0.0999, beat_baseline=False), held_out).promoted
    assert not judge(Gate("mean", minimum_gain=0.1, beat_baseline=False), held_out).promoted


@pytest.mark.parametrize(
    ("metric", "truth", "predictions", "value"),
    [
        ("roc_auc", [0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8], 0.75),
        ("roc_auc", [0, 1, 0, 1], [0.5, 0.5, 0.1, 0.9], 0.875),
        ("neg_brier_score", [0, 0, 1, 1], [0.5, 0.0, 1.0, 0.5], -0.125),
        ("neg_log_loss", [0, 0, 1, 1], [0.5, 0.0, 1.0, 0.5], -math.log(2) / 2),
        ("neg_mean_absolute_error", [10, 20, 30, 40], [12, 20, 27, 41], -1.5),
        ("accuracy", ["a", "b", "c", "c"], ["a", "b", "a", "c"], 0.75),
        ("mean", [None, "?", math.nan, 0], [1, 0, 1, 1], 0.75),
    ],
)
def test_metrics(metric, truth, predictions, value):
    judgement = judge(Gate(metric, beat_baseline=False), HeldOut(truth, predictions))
    assert judgement.figures["challenger"] == pytest.approx(value)
    assert judgement.figures["metric"] == metric


def test_leaving_a_day_out_of_an_area_is_measuring_the_others():
    truth = [0, 1, 1, 0, 0, 1, 1, 0, 1]
    days = [1, 1, 1, 2, 2, 2, 3, 3, 3]
    ours = np.array([0.2, 0.5, 0.9, 0.5, 0.3, 0.4, 0.8, 0.6, 0.6])
    theirs = np.array([0.4, 0.4, 0.7, 0.6, 0.1, 0.3, 0.5, 0.5, 0.2])

    def area(predictions, members):
        pairs = [(predictions[i], predictions[j]) for i in members for j in members if truth[i] > truth[j]]
        return sum((up > down) + (up == down) / 2 for up, down in pairs) / len(pairs)

    def gain(members):
        return area(ours, members) - area(theirs, members)

    whole = gain(range(9))
    squares = sum((gain([row for row in range(9) if days[row] != day]) - whole) ** 2 for day in (1, 2, 3))
    figures = judge(Gate("roc_auc", beat_baseline=False), HeldOut(truth, ours, theirs, units=days)).figures
    assert figures["gain"] == pytest.approx(whole)
    assert figures["gain_low"] == pytest.approx(whole - QUANTILE * math.sqrt(2 / 3 * squares))


def test_identical_predictions_are_no_difference():
    judgement = judge(Gate("roc_auc", beat_baseline=False), classes(champion=classes().challenger))
    assert not judgement.promoted
    assert [judgement.figures[name] for name in ("gain", "gain_low", "gain_high")] == [0, 0, 0]
    assert "there is no difference to the champion, whose is 1" in judgement.reason


def test_equal_errors_on_either_side_are_no_difference():
    truth = np.array([0.3, 0.7, 1.1, 2.3, 4.9, 5.3])
    held_out = HeldOut(truth, truth + 0.1, truth - 0.1, units=DAYS)
    judgement = judge(Gate("neg_mean_absolute_error", beat_baseline=False), held_out)
    assert "there is no difference to the champion" in judgement.reason


def test_a_first_model_is_promoted_where_all_else_holds():
    judgement = judge(Gate("mean"), scores(champion=None, baseline=NOTHING))
    assert judgement.promoted
    assert judgement.figures["champion"] is judgement.figures["gain"] is None
    assert judgement.figures["baseline_gain_low"] == pytest.approx(4 - REACH)
    assert "there is no champion yet, so this is judged as a first model" in judgement.reason
    assert condition(judgement, "gain over the champion")["passed"] is None


def test_a_first_model_must_beat_the_baseline():
    judgement = judge(Gate("mean"), scores(champion=None, baseline=BETTER))
    assert not judgement.promoted
    assert judgement.reason.endswith("judged as a first model; there is no difference to the baseline, whose is 4.")


@pytest.mark.parametrize(
    ("held_out", "why"),
    [
        (scores(champion=None, champion_error="No module\nnamed gone."), "No module named gone"),
        (scores(champion_error="It was pickled by sklearn 0.2"), "It was pickled by sklearn 0.2"),
        (scores(champion=[math.nan, *NOTHING[1:]]), "missing or infinite values: 1 of 6"),
        (scores(champion=[*NOTHING[1:], -math.inf]), "missing or infinite values: 1 of 6"),
        (scores(champion=["low", *NOTHING[1:]]), "values that are not numbers"),
    ],
)
def test_a_champion_that_cannot_predict_is_none(held_out, why):
    judgement = judge(MEAN, held_out)
    assert judgement.promoted
    assert judgement.figures["champion"] is None
    assert f"the champion cannot be used ({why}), so this is judged as a first model" in judgement.reason


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, None])
def test_a_challenger_that_predicts_no_number_is_refused(value):
    judgement = judge(MEAN, scores(challenger=[*BETTER[1:], value]))
    assert not judgement.promoted
    assert judgement.figures["challenger"] is None
    assert judgement.reason == (
        "Refused: the challenger's predictions cannot be judged: missing or infinite values: 1 of 6."
    )


@pytest.mark.parametrize("metric", ["neg_brier_score", "neg_log_loss"])
def test_a_challenger_that_gives_no_probabilities_is_refused(metric):
    judgement = judge(Gate(metric), classes(challenger=[0.1, 1.2, 0.2, 0.8, -0.1, 0.7]))
    assert not judgement.promoted
    assert "values that are no probabilities: 2 of 6" in judgement.reason


def test_a_missing_label_is_no_prediction():
    judgement = judge(Gate("accuracy"), HeldOut(["a", "b"], ["a", None]))
    assert "missing or infinite values: 1 of 2" in judgement.reason


def test_one_class_alone_is_refused():
    judgement = judge(Gate("roc_auc"), classes(truth=[1] * 6))
    assert not judgement.promoted
    assert judgement.reason == (
        "Refused: roc_auc cannot be computed: all 6 rows are of one class, and roc_auc needs both."
    )


def test_one_class_alone_without_a_unit_is_refused():
    judgement = judge(Gate("roc_auc", beat_baseline=False), classes(truth=[0, 1, 0, 0, 0, 0]))
    assert not judgement.promoted
    assert judgement.figures["challenger"] == 1
    assert judgement.figures["gain"] is None
    assert judgement.reason.endswith(
        "the gain over the champion cannot be judged: "
        "without one of the units all rows are of one class, so there is no interval."
    )


def test_no_rows_are_refused():
    judgement = judge(Gate("roc_auc"), HeldOut([], [], [], units=[], slices={"carrier": []}))
    assert not judgement.promoted
    assert judgement.reason == "Refused: there are no held-out rows."
    assert (judgement.figures["rows"], judgement.figures["units"]) == (0, 0)


@pytest.mark.parametrize("other", ["champion", "baseline"])
def test_too_few_units_are_refused(other):
    held_out = scores(**{"champion": None, "units": [1, 1, 1, 2, 2, 2], other: NOTHING})
    judgement = judge(Gate("mean", beat_baseline=other == "baseline"), held_out)
    assert not judgement.promoted
    assert f"the gain over the {other} cannot be judged: there are too few units: 2, and it takes 3" in judgement.reason


def test_more_units_than_groups_are_joined_and_counted():
    noise = np.random.default_rng(0).normal(size=(2, 1000))
    figures = judge(MEAN, HeldOut(noise[0], noise[0], noise[1], units=np.arange(1000) % 500)).figures
    assert figures["units"] == 500
    assert figures["gain_low"] < figures["gain"] < figures["gain_high"]


@pytest.mark.parametrize(
    ("rule", "why"),
    [
        ({"metric": "f1"}, "It is 'f1'."),
        ({"error_rate": 0}, "It is 0."),
        ({"error_rate": 0.5}, "It is 0.5."),
        ({"error_rate": math.nan}, "It is nan."),
        ({"error_rate": "0.05"}, "It is '0.05'."),
        ({"minimum_gain": -0.1}, "It is -0.1."),
        ({"minimum_gain": None}, "It is None."),
        ({"slice_loss": -1}, "It is -1."),
        ({"slice_rows": 0}, "It is 0."),
        ({"slice_rows": 1.5}, "It is 1.5."),
        ({"largest_size": -1}, "It is -1."),
        ({"longest_latency": -0.5}, "It is -0.5."),
        ({"longest_latency": math.inf}, "It is inf."),
        ({"beat_baseline": "false"}, "It is 'false'."),
    ],
)
def test_a_rule_that_cannot_be_is_refused_when_it_is_made(rule, why):
    with pytest.raises(UserError) as caught:
        Gate(**{"metric": "mean", **rule})
    assert caught.value.what == f"The gate's `{next(iter(rule))}` is not valid."
    assert caught.value.why == why
    assert caught.value.how.startswith("Correct it where the gate is defined: it must be ")


def test_what_a_metric_may_be_is_said():
    with pytest.raises(UserError, match=r"must be one of roc_auc, neg_brier_score, .* accuracy, mean"):
        Gate("f1")


@pytest.mark.parametrize(
    "held_out",
    [
        scores(champion=NOTHING[1:]),
        scores(baseline=NOTHING[1:]),
        scores(units=DAYS[1:]),
        scores(slices={"day": DAYS[1:]}),
        scores(truth=NOTHING[1:]),
        scores(challenger=np.ones((6, 2))),
    ],
)
def test_lengths_that_differ_are_the_users_error(held_out):
    with pytest.raises(UserError, match=r"The held-out rows do not fit together.\nShapes are \(.*\) of truth, "):
        judge(MEAN, held_out)


@pytest.mark.parametrize(
    ("metric", "truth", "why"),
    [
        ("roc_auc", [0, 1, 0, 1, 0, math.nan], "It has missing or infinite values: 1 of 6"),
        ("neg_mean_absolute_error", [0, 1, 0, math.nan, 0, math.nan], "It has missing or infinite values: 2 of 6"),
        ("accuracy", ["a", "b", None, "a", "b", "a"], "It has missing or infinite values: 1 of 6"),
        ("neg_log_loss", [0, 1, 2, 0, 1, 2], "It has values other than 0 and 1; neg_log_loss is measured"),
        ("roc_auc", ["late", "not"] * 3, "It has values that are not numbers"),
    ],
)
def test_truth_that_is_not_known_is_the_users_error(metric, truth, why):
    with pytest.raises(UserError, match="The truth of the held-out rows is not valid") as caught:
        judge(Gate(metric), classes(truth=truth))
    assert caught.value.why.startswith(why)
