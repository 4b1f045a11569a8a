"""The gate: whether a challenger becomes champion."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from numbers import Integral, Real
from typing import Any

from atoll.errors import UserError
from atoll.promotion.comparison import METRICS, Comparison, IncomparableError, compare, measure
from atoll.promotion.held_out import MODELS, HeldOut, Scores, measure_slices, read_scores

__all__ = ["Gate", "HeldOut", "Judgement", "describe", "judge"]


@dataclass(frozen=True)
class Gate:
    """The rule by which a challenger becomes champion: all of it must hold.

    Attributes:
        metric: ``roc_auc``, ``neg_brier_score``, ``neg_log_loss``, ``neg_mean_absolute_error`` or ``accuracy``, as
            scikit-learn names its scorers, or ``mean``: predictions are scores of rows, such as hit or miss, and truth
            is ignored. Bigger is better.
        minimum_gain: The lower end of the gain over the champion must be above it; in the metric's unit.
        error_rate: How often a challenger that gains no more than ``minimum_gain`` may be promoted; between 0 and 0.5.
        slice_loss: In no slice may the challenger's metric be lower than the champion's by more than this, as measured
            there: a floor is about caution, and waits for no interval. None: slices are measured and not judged.
        slice_rows: Slices with fewer rows are named and not judged.
        largest_size: Of the stored model, in bytes.
        longest_latency: For 1,000 rows, in seconds.
        beat_baseline: Whether the lower end of the gain over the baseline must be above 0.

    Raises:
        UserError: The metric is unknown, or a number is not one that it can be.
    """

    metric: str
    minimum_gain: float = 0.0
    error_rate: float = 0.05
    slice_loss: float | None = None
    slice_rows: int = 100
    largest_size: int | None = None
    longest_latency: float | None = None
    beat_baseline: bool = True

    def __post_init__(self) -> None:
        """Refuse a rule that nothing could be judged by."""
        if self.metric not in METRICS:
            raise _refuse("metric", self.metric, f"one of {', '.join(METRICS)}")
        if not _is_number(self.error_rate) or not 0 < self.error_rate < 0.5:
            raise _refuse("error_rate", self.error_rate, "a share between 0 and 0.5, such as 0.05")
        for name in ("minimum_gain", "slice_loss", "largest_size", "longest_latency"):
            value = getattr(self, name)
            unset = value is None and name != "minimum_gain"
            if not unset and not (_is_number(value) and value >= 0):
                raise _refuse(name, value, "a number that is not negative")
        if not isinstance(self.slice_rows, Integral) or isinstance(self.slice_rows, bool) or self.slice_rows < 1:
            raise _refuse("slice_rows", self.slice_rows, "a whole number of at least 1")
        if not isinstance(self.beat_baseline, bool):
            raise _refuse("beat_baseline", self.beat_baseline, "true or false")


@dataclass(frozen=True)
class Judgement:
    """What a gate decided.

    Attributes:
        promoted: Whether the challenger becomes champion.
        reason: One sentence with the figures.
        figures: JSON-able, None is what could not be had: ``metric``; ``challenger``, ``champion`` and ``baseline``
            (the metric of each); ``gain``, ``gain_low`` and ``gain_high`` over the champion (the two-sided interval at
            1 - 2 * ``error_rate``, whose lower end decides); ``baseline_gain``, ``baseline_gain_low`` and
            ``baseline_gain_high``; ``rows``, ``units``; ``slices`` (each with ``slice``, ``value``, ``rows``,
            ``challenger``, ``champion``, ``gain``, ``judged``, ``why``); ``size``, ``latency``; and ``conditions``
            (each with ``what``, ``figure``, ``limit``, ``passed``, ``why``; ``passed`` is None where there was nothing
            to judge).
        rule: The gate.
    """

    promoted: bool
    reason: str
    figures: dict[str, Any]
    rule: dict[str, Any]


@dataclass(frozen=True)
class _Condition:
    what: str
    figure: str
    limit: str
    passed: bool | None
    why: str


def judge(
    gate: Gate,
    held_out: HeldOut,
    size: int | None = None,
    latency: float | None = None,
    checks_failed: Sequence[str] = (),
) -> Judgement:
    """Decide whether a challenger becomes champion.

    Without a champion, or with one that no longer loads or whose predictions are unusable, everything but the
    comparison with it must hold. What must hold and cannot be judged does not hold: a metric that cannot be computed,
    an interval from fewer than three units, a baseline that is missing, a size or latency that has a ceiling and was
    not measured. Slices are the exception: one that is too small is named.

    Args:
        gate: The rule.
        held_out: The rows to judge by.
        size: Of the stored challenger, in bytes.
        latency: Of the challenger for 1,000 rows, in seconds.
        checks_failed: Names of data checks that failed.

    Raises:
        UserError: What is held out has different lengths, or its truth has missing or unsuitable values.
    """
    found = read_scores(gate.metric, held_out)
    figures: dict[str, Any] = {
        "metric": gate.metric,
        **dict.fromkeys(MODELS),
        **dict.fromkeys(f"{prefix}{end}" for prefix in ("gain", "baseline_gain") for end in ("", "_low", "_high")),
        "rows": found.rows,
        "units": found.units,
        "slices": [],
        "size": size,
        "latency": latency if latency is not None and math.isfinite(latency) else None,
    }
    conditions = [_judge_challenger(gate, found, figures)]
    if conditions[0].passed:
        conditions.append(_judge_champion(gate, found, figures))
        conditions += _judge_baseline(gate, found, figures)
        figures["slices"] = list(measure_slices(found, held_out.slices, gate.slice_rows))
        conditions += _judge_slices(gate, figures["slices"])
    conditions += _judge_ceilings(gate, figures)
    conditions.append(_judge_checks(checks_failed))
    figures["conditions"] = [asdict(condition) for condition in conditions]
    promoted = all(condition.passed is not False for condition in conditions)
    said = [row.why for row in conditions if promoted or row is conditions[0] or row.passed is not True]
    return Judgement(promoted, f"{'Promoted' if promoted else 'Refused'}: {'; '.join(said)}.", figures, asdict(gate))


def describe(conditions: Sequence[Mapping[str, Any]]) -> str:
    """Write the conditions of a judgement's figures as a Markdown table."""
    passed = {True: "yes", False: "no", None: "not judged"}
    lines = ["| what | figure | limit | passed |", "| --- | --- | --- | --- |"]
    for row in conditions:
        cells = (row["what"], row["figure"], row["limit"], passed[row["passed"]])
        lines.append(f"| {' | '.join(' '.join(cell.split()).replace('|', '&#124;') for cell in cells)} |")
    return "\n".join(lines)


def _judge_challenger(gate: Gate, found: Scores, figures: dict[str, Any]) -> _Condition:
    """Measure each model alone; without a metric of the challenger there is nothing to compare."""
    what, limit = f"{gate.metric} of the challenger", "can be computed"
    if not found.rows:
        return _Condition(what, "none", limit, False, "there are no held-out rows")
    if "challenger" in found.faults:
        why = f"the challenger's predictions cannot be judged: {found.faults['challenger']}"
        return _Condition(what, "none", limit, False, why)
    try:
        figures.update({name: measure(scores, found.positives) for name, scores in found.scores.items()})
    except IncomparableError as error:
        return _Condition(what, "none", limit, False, f"{gate.metric} cannot be computed: {error}")
    figure = f"{figures['challenger']:.4g}"
    return _Condition(
        what, figure, limit, True, f"{gate.metric} is {figure} over {found.rows:,} rows in {found.units:,} units"
    )


def _judge_champion(gate: Gate, found: Scores, figures: dict[str, Any]) -> _Condition:
    if "champion" in found.scores:
        return _judge_gain(gate, found, "champion", gate.minimum_gain, figures)
    fault = found.faults.get("champion")
    why = "there is no champion yet" if fault is None else f"the champion cannot be used ({fault})"
    limit = f"> {gate.minimum_gain:.4g}"
    return _Condition(_name_gain("champion"), "none", limit, None, f"{why}, so this is judged as a first model")


def _judge_baseline(gate: Gate, found: Scores, figures: dict[str, Any]) -> Iterator[_Condition]:
    if not gate.beat_baseline:
        return
    if "baseline" in found.scores:
        yield _judge_gain(gate, found, "baseline", 0.0, figures)
        return
    fault = found.faults.get("baseline")
    why = "there is no baseline to beat" if fault is None else f"the baseline cannot be used ({fault})"
    yield _Condition(_name_gain("baseline"), "none", "> 0", False, why)


def _judge_gain(gate: Gate, found: Scores, other: str, limit: float, figures: dict[str, Any]) -> _Condition:
    bound = f"> {limit:.4g}"
    try:
        gain = compare(found.scores["challenger"], found.scores[other], found.groups, gate.error_rate, found.positives)
    except IncomparableError as error:
        why = f"the gain over the {other} cannot be judged: {error}"
        return _Condition(_name_gain(other), "none", bound, False, why)
    prefix = "gain" if other == "champion" else f"{other}_gain"
    figures.update({prefix: gain.gain, f"{prefix}_low": gain.low, f"{prefix}_high": gain.high})
    passed = gain.exceeds(limit)
    return _Condition(_name_gain(other), f"{gain.low:+.4g}", bound, passed, _say_gain(gate, gain, other, limit))


def _name_gain(other: str) -> str:
    return f"gain over the {other}, lower end"


def _say_gain(gate: Gate, gain: Comparison, other: str, limit: float) -> str:
    if gain.same:
        return f"there is no difference to the {other}, whose is {gain.second:.4g}"
    return (
        f"the {other}'s is {gain.second:.4g}, a gain of {gain.gain:+.3g} "
        f"({100 * (1 - 2 * gate.error_rate):.4g} % interval {gain.low:+.3g} to {gain.high:+.3g}) "
        f"whose lower end is {'above' if gain.exceeds(limit) else 'not above'} {limit:.4g}"
    )


def _judge_slices(gate: Gate, slices: Sequence[Mapping[str, Any]]) -> Iterator[_Condition]:
    if gate.slice_loss is None:
        return
    floor = 0 - gate.slice_loss
    judged = sorted((row for row in slices if row["judged"]), key=lambda row: row["gain"])
    lost = [row for row in judged if row["gain"] < floor and not math.isclose(row["gain"], floor, rel_tol=1e-9)]
    figure = ", ".join(f"{row['gain']:+.3g} in {row['slice']} {row['value']}" for row in lost or judged[:1])
    left_out = ", ".join(f"{row['slice']} {row['value']} ({row['why']})" for row in slices if not row["judged"])
    said = [f"the lowest gain in a slice is {figure}, {'' if lost else 'not '}below {floor:.4g}"] if judged else []
    said += [f"{len(slices) - len(judged)} of {len(slices)} slices were not judged"] if left_out else []
    yield _Condition(
        "lowest gain in a slice",
        "; ".join([figure or "none", *([f"not judged: {left_out}"] if left_out else [])]),
        f">= {floor:.4g}",
        not lost if judged else None,
        "; ".join(said or ["there are no slices"]),
    )


def _judge_ceilings(gate: Gate, figures: Mapping[str, Any]) -> Iterator[_Condition]:
    for what, limit, unit in (
        ("size", gate.largest_size, "bytes"),
        ("latency", gate.longest_latency, "s for 1,000 rows"),
    ):
        if limit is None:
            continue
        found, bound = figures[what], f"<= {limit:,} {unit}"
        if found is None:
            yield _Condition(what, "none", bound, False, f"the {what} has a ceiling and was not measured")
            continue
        figure, passed = f"{found:,.4g} {unit}" if isinstance(found, float) else f"{found:,} {unit}", found <= limit
        why = f"the {what} is {figure}, {'within' if passed else 'above'} the ceiling of {limit:,}"
        yield _Condition(what, figure, bound, passed, why)


def _judge_checks(failed: Sequence[str]) -> _Condition:
    names = ", ".join(failed)
    why = f"data checks failed: {names}" if failed else "no data check failed"
    return _Condition("data checks that failed", names or "none", "none", not failed, why)


def _is_number(value: object) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool) and math.isfinite(value)


def _refuse(name: str, value: object, needed: str) -> UserError:
    return UserError(
        f"The gate's `{name}` is not valid.",
        f"It is {value!r}.",
        f"Correct it where the gate is defined: it must be {needed}.",
    )
