"""All weeks that were evaluated, together."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from atoll.promotion.registry import Decision
from flight_delays.bootstrap import draw_weights, give_interval

MEASURES = ["auc", "auc_baseline", "auc_gain", "brier", "brier_baseline", "brier_gain", "bias"]


JUDGED = ["challenger", "champion", "gain", "gain_low", "gain_high"]


def summarize(evaluations: Mapping[str, Mapping[str, Any]], decisions: Iterable[Decision]) -> dict[str, Any]:
    """Average the evaluations of all weeks, of which each counts once, and say what was decided in each.

    Args:
        evaluations: What `evaluate` returned, by week; at least one.
        decisions: About the model, by number.

    Returns:
        `weeks` (`week`, `made_by`, `flights`, `late_share`, the metrics and `decision` of each, in order), `metrics`
        and `weeks_won` (weeks in which the AUC was above the baseline's). A metric is the mean over weeks, its `_low`
        and `_high` the ends of a 95 % bootstrap interval over weeks, with model and baseline in the same ones. Weeks
        share most of what their models have learnt from, which such an interval does not see. A decision is None where
        the gate has not judged the week's model; otherwise it has `version` (its number), `outcome` (`promoted` or
        `refused`), what the gate measured on the week (`JUDGED`: the AUC of `challenger` and `champion`, and the gain
        with its interval; None where there was no champion), `failed` (the conditions of the gate that did not hold)
        and `rolled_back_to` (a version, or None).
    """
    told = _tell(decisions)
    weeks: list[dict[str, Any]] = [
        {
            "week": week,
            **{name: found[name] for name in ("made_by", "flights", "late_share")},
            **found["metrics"],
            "decision": told.get(week),
        }
        for week, found in sorted(evaluations.items())
    ]
    weights = draw_weights(len(weeks)) / len(weeks)
    metrics: dict[str, float] = {}
    for name in MEASURES:
        metrics |= give_interval(name, weights @ np.array([week[name] for week in weeks]))
    return {"weeks": weeks, "metrics": metrics, "weeks_won": sum(week["auc_gain"] > 0 for week in weeks)}


def _tell(decisions: Iterable[Decision]) -> dict[str | None, dict[str, Any]]:
    """Tell by week what was judged last, and whether a person took it back after that."""
    told: dict[str | None, dict[str, Any]] = {}
    for decision in decisions:
        if decision.outcome == "rolled back":
            told[decision.partition]["rolled_back_to"] = decision.champion
            continue
        told[decision.partition] = {
            "version": decision.challenger,
            "outcome": "promoted" if decision.champion == decision.challenger else "refused",
            **{name: decision.figures.get(name) for name in JUDGED},
            "failed": [row["what"] for row in decision.figures.get("conditions", []) if row["passed"] is False],
            "rolled_back_to": None,
        }
    return told


def tabulate_weeks(weeks: Iterable[Mapping[str, Any]]) -> str:
    """Write as a Markdown table which version predicted each week that `summarize` gives, and what was decided."""
    lines = [
        "| week | predicted by | AUC | baseline | challenger | its AUC | champion's | gain | 90 % interval | outcome "
        "| did not hold |",
        "| --- | --- | ---: | ---: | --- | ---: | ---: | ---: | --- | --- | --- |",
    ]
    for week in weeks:
        cells = [week["week"], week["made_by"], f"{week['auc']:.3f}", f"{week['auc_baseline']:.3f}"]
        lines.append(f"| {' | '.join([*cells, *_describe(week['decision'])])} |")
    return "\n".join(lines)


def _describe(decision: Mapping[str, Any] | None) -> list[str]:
    if decision is None:
        return [*[""] * 5, "not judged", ""]
    gain, low, high = (decision[name] for name in ("gain", "gain_low", "gain_high"))
    back = decision["rolled_back_to"]
    return [
        f"version {decision['version']}",
        *("" if decision[name] is None else f"{decision[name]:.3f}" for name in ("challenger", "champion")),
        "" if gain is None else f"{gain:+.3f}",
        "" if low is None else f"{low:+.3f} to {high:+.3f}",
        decision["outcome"] + ("" if back is None else f", then rolled back to version {back}"),
        "; ".join(decision["failed"]),
    ]
