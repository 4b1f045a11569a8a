"""The conditions of the gate beside the champion, and what it says of all."""

import json
import math

import pytest
from judged import BETTER, DAYS, MEAN, classes, condition, scores

from atoll.promotion.gate import Gate, HeldOut, describe, judge


def test_the_baseline_must_be_beaten():
    judgement = judge(Gate("mean"), scores(baseline=[4.0, 2.0, 4.5, 3.5, 5.5, 4.5]))
    assert not judgement.promoted
    assert condition(judgement, "gain over the champion")["passed"]
    assert not condition(judgement, "gain over the baseline")["passed"]
    assert judge(MEAN, scores(baseline=BETTER)).promoted


@pytest.mark.parametrize(
    ("baseline", "why"),
    [
        (None, "there is no baseline to beat."),
        ([math.nan] * 6, "the baseline cannot be used (missing or infinite values: 6 of 6)."),
    ],
)
def test_a_baseline_that_is_demanded_must_be_there(baseline, why):
    judgement = judge(Gate("mean"), scores(baseline=baseline))
    assert not judgement.promoted
    assert judgement.reason.endswith(why)


@pytest.mark.parametrize(("loss", "promoted"), [(None, True), (1.0, True), (0.99, False)])
def test_no_slice_may_lose_more_than_the_floor(loss, promoted):
    held_out = scores(champion=[3.0, 5.0, 0.0, 0.0, 0.0, 0.0], units=None, slices={"day": DAYS})
    judgement = judge(Gate("mean", error_rate=0.2, slice_loss=loss, slice_rows=2, beat_baseline=False), held_out)
    assert judgement.promoted == promoted
    rows = judgement.figures["slices"]
    assert [(row["slice"], row["value"], row["rows"], row["gain"]) for row in rows] == [
        ("day", "mon", 2, -1.0),
        ("day", "tue", 2, 4.0),
        ("day", "wed", 2, 5.0),
    ]
    if not promoted:
        assert judgement.reason.endswith("the lowest gain in a slice is -1 in day mon, below -0.99.")


def test_slices_that_are_too_small_are_named_and_not_judged():
    held_out = scores(champion=[9.0, 0.0, 0.0, 0.0, 0.0, 0.0], units=None, slices={"kind": ["x", *"yyyyy"]})
    judgement = judge(Gate("mean", error_rate=0.4, slice_loss=0, slice_rows=2, beat_baseline=False), held_out)
    assert judgement.promoted
    small, large = judgement.figures["slices"]
    assert (small["value"], small["judged"], small["gain"], small["why"]) == ("x", False, None, "fewer than 2 rows: 1")
    assert large["judged"]
    assert "1 of 2 slices were not judged" in judgement.reason
    assert condition(judgement, "lowest gain")["figure"] == "+4.4 in kind y; not judged: kind x (fewer than 2 rows: 1)"


def test_slices_of_one_class_are_named_and_not_judged():
    gate = Gate("roc_auc", slice_loss=0, slice_rows=1, beat_baseline=False)
    judgement = judge(gate, classes(slices={"late": [0, 1] * 3}))
    assert judgement.promoted
    assert condition(judgement, "lowest gain")["passed"] is None
    figure = condition(judgement, "lowest gain")["figure"]
    assert "not judged: late 0 (all 3 rows are of one class, and roc_auc needs both), late 1" in figure


def test_slices_of_a_first_model_are_measured():
    gate = Gate("mean", slice_loss=0, slice_rows=2, beat_baseline=False)
    judgement = judge(gate, scores(champion=None, slices={"day": DAYS}))
    assert judgement.promoted
    assert [row["challenger"] for row in judgement.figures["slices"]] == [3, 4, 5]
    assert {row["why"] for row in judgement.figures["slices"]} == {"no champion"}


@pytest.mark.parametrize(
    ("measured", "promoted", "why"),
    [
        ({"size": 1000, "latency": 0.5}, True, None),
        ({"size": 1001, "latency": 0.5}, False, "the size is 1,001 bytes, above the ceiling of 1,000."),
        ({"size": 1000, "latency": 0.51}, False, "the latency is 0.51 s for 1,000 rows, above the ceiling of 0.5."),
        ({"size": 1000}, False, "the latency has a ceiling and was not measured."),
        ({"size": 1000, "latency": math.nan}, False, "the latency has a ceiling and was not measured."),
        ({"latency": 0.5}, False, "the size has a ceiling and was not measured."),
    ],
)
def test_size_and_latency_have_ceilings(measured, promoted, why):
    gate = Gate("mean", largest_size=1000, longest_latency=0.5, beat_baseline=False)
    judgement = judge(gate, scores(), **measured)
    assert judgement.promoted == promoted
    assert why is None or judgement.reason.endswith(why)


def test_failed_data_checks_refuse():
    judgement = judge(MEAN, scores(), checks_failed=["schema", "flights are complete"])
    assert not judgement.promoted
    assert judgement.reason.endswith("data checks failed: schema, flights are complete.")


def test_every_condition_that_failed_is_in_the_reason():
    gate = Gate("mean", minimum_gain=9, largest_size=1)
    reason = judge(gate, scores(), size=2, checks_failed=["schema"]).reason
    for said in ("not above 9", "no baseline to beat", "above the ceiling of 1", "data checks failed: schema"):
        assert said in reason


@pytest.mark.parametrize(
    "judgement",
    [
        judge(Gate("roc_auc", slice_loss=0, slice_rows=1), classes(slices={"late": [0, 1] * 3}), 1, 0.5),
        judge(Gate("mean", largest_size=10, longest_latency=1), scores(), latency=math.inf),
        judge(Gate("roc_auc"), HeldOut([], [])),
    ],
    ids=["judged", "not measured", "no rows"],
)
def test_figures_and_rule_are_json(judgement):
    for value in (judgement.figures, judgement.rule):
        assert json.loads(json.dumps(value, allow_nan=False)) == value
    assert Gate(**judgement.rule).metric == judgement.figures["metric"]


def test_it_is_described_as_a_table():
    gate = Gate("mean", slice_loss=0, largest_size=5000, beat_baseline=False)
    judgement = judge(gate, scores(slices={"day": DAYS[:1] * 6}), size=4321, checks_failed=["a|b"])
    assert describe(judgement.figures["conditions"]).splitlines() == [
        "| what | figure | limit | passed |",
        "| --- | --- | --- | --- |",
        "| mean of the challenger | 4 | can be computed | yes |",
        "| gain over the champion, lower end | +2.314 | > 0 | yes |",
        "| lowest gain in a slice | none; not judged: day mon (fewer than 100 rows: 6) | >= 0 | not judged |",
        "| size | 4,321 bytes | <= 5,000 bytes | yes |",
        "| data checks that failed | a&#124;b | none | no |",
    ]
