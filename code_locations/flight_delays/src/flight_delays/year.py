"""All weeks that were evaluated, together."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from flight_delays.bootstrap import draw_weights, give_interval

MEASURES = ["auc", "auc_baseline", "auc_gain", "brier", "brier_baseline", "brier_gain", "bias"]


def summarize(evaluations: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Average the evaluations of all weeks; each week counts once.

    Args:
        evaluations: What `evaluate` returned, by week; at least one.

    Returns:
        `weeks` (`week`, `flights`, `late_share` and the metrics of each, in order), `metrics` and `weeks_won` (weeks in
        which the AUC was above the baseline's). A metric is the mean over weeks, its `_low` and `_high` the ends of a
        95 % bootstrap interval over weeks, with model and baseline in the same ones. Weeks share most of what their
        models have learnt from, which such an interval does not see.
    """
    weeks: list[dict[str, Any]] = [
        {"week": week, "flights": found["flights"], "late_share": found["late_share"], **found["metrics"]}
        for week, found in sorted(evaluations.items())
    ]
    weights = draw_weights(len(weeks)) / len(weeks)
    metrics: dict[str, float] = {}
    for name in MEASURES:
        metrics |= give_interval(name, weights @ np.array([week[name] for week in weeks]))
    return {"weeks": weeks, "metrics": metrics, "weeks_won": sum(week["auc_gain"] > 0 for week in weeks)}
