import dagster as dg
import pandas as pd
import pytest
from pipelines import attributes, build

from atoll import settings

COVERAGE = ("coverage", "coverage_low")
CHECKS = {key.name: check for check in build(attributes()).asset_checks or [] for key in check.check_keys}


@pytest.fixture
def profile(monkeypatch):
    def choose(name: str) -> None:
        monkeypatch.setenv("ATOLL_PROFILE", name)
        settings.cache_clear()

    yield choose
    settings.cache_clear()


def judge(check: str, *values: object, **changes: object) -> dg.AssetCheckResult:
    checks = (build(attributes(**changes)).asset_checks or []) if changes else CHECKS.values()
    (found,) = (made for made in checks for key in made.check_keys if key.name == check)
    result = found(*values)
    assert isinstance(result, dg.AssetCheckResult)
    return result


def measured(ratio_high: float) -> dict:
    names = ("mae", "mae_baseline", "ratio", "ratio_low")
    return {"metrics": {**dict.fromkeys(names, 0.4), "ratio_high": ratio_high}}


@pytest.mark.parametrize(
    ("name", "ratio_high", "passed"),
    [("full", 0.49, True), ("full", 0.5, False), ("sample", 0.5, True), ("sample", 0.99, True), ("sample", 1.0, False)],
)
def test_the_upper_end_of_the_ratio_decides_whether_the_baseline_is_beaten(profile, name, ratio_high, passed):
    profile(name)
    result = judge("beats_baseline", measured(ratio_high))
    assert result.passed is passed
    assert result.severity == dg.AssetCheckSeverity.ERROR


@pytest.mark.parametrize(("value", "passed"), [(1.0, True), (float("nan"), False), (float("inf"), False)])
def test_a_number_that_is_not_finite_fails(value, passed):
    assert (
        judge("metrics_are_finite", {"metrics": {"mae": 1.0}, "slices": [{"value": "good", "mae": value}]}).passed
        is passed
    )


def test_no_numbers_at_all_fail():
    assert not judge("metrics_are_finite", {"metrics": {}, "slices": []}).passed


@pytest.mark.parametrize(
    ("coverage", "high", "passed"), [(0.91, 0.93, True), (0.88, 0.91, True), (0.88, 0.89, False), (0.8, 0.95, False)]
)
def test_coverage_under_what_is_promised_warns(coverage, high, passed):
    result = judge("interval_covers", {"metrics": {"coverage": coverage, "coverage_low": 0.7, "coverage_high": high}})
    assert result.passed is passed
    assert result.severity == dg.AssetCheckSeverity.WARN


@pytest.mark.parametrize(
    ("training", "test", "passed"),
    [([1, 2], [3], True), ([1, 2], [2], False), ([1, 1], [3], False), ([1], [3, 3], False)],
)
def test_a_car_on_both_sides_or_twice_fails(training, test, passed):
    assert judge("no_car_in_both", pd.DataFrame({"car": test}), pd.DataFrame({"car": training})).passed is passed


@pytest.mark.parametrize(("cars", "passed"), [([*range(94)] * 2, True), ([*range(94), *[0] * 6], False)])
def test_a_car_with_too_many_listings_fails(cars, passed):
    assert judge("no_car_dominates", pd.DataFrame({"car": cars})).passed is passed


@pytest.mark.parametrize(("kept", "passed"), [(71, True), (69, False)])
def test_dropping_too_much_fails(kept, passed):
    assert judge("share_dropped", pd.DataFrame(index=range(kept)), pd.DataFrame(index=range(100))).passed is passed


@pytest.mark.parametrize(
    ("low", "estimate", "high", "passed"),
    [(1.0, 2.0, 3.0, True), (0.0, 2.0, 3.0, False), (1.0, 4.0, 3.0, False), (1.0, float("nan"), 3.0, False)],
)
def test_an_estimate_outside_its_interval_or_not_positive_fails(low, estimate, high, passed):
    table = pd.DataFrame({"low": [low], "estimate": [estimate], "high": [high]})
    assert judge("estimates_are_plausible", table).passed is passed


@pytest.mark.parametrize(
    ("check", "limits", "values"),
    [
        ("no_car_dominates", {"largest_car": 0.1}, [pd.DataFrame({"car": [*range(94), *[0] * 6]})]),
        ("share_dropped", {"dropped": 0.4}, [pd.DataFrame(index=range(69)), pd.DataFrame(index=range(100))]),
        ("beats_baseline", {"ratio": {"sample": 1.1}}, [measured(1.0)]),
        ("interval_covers", {"coverage": 0.75}, [{"metrics": dict.fromkeys(COVERAGE, 0.8) | {"coverage_high": 0.95}}]),
    ],
)
def test_the_file_sets_the_limits(check, limits, values):
    assert not judge(check, *values).passed
    assert judge(check, *values, limits=limits).passed
