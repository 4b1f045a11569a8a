"""How good the predictions of a week are, once its flights have arrived."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd

from flight_delays.baseline import guess
from flight_delays.bootstrap import draw_weights, give_interval, measure_auc, measure_mean, number_days
from flight_delays.features import give_days
from flight_delays.outcomes import count_states, join_outcomes

BINS = 10
FEWEST = 10
DEPARTURES = {"before noon": 12, "noon to 18:00": 18, "18:00 and later": 24}


def evaluate(
    predictions: pd.DataFrame, outcomes: pd.DataFrame, rates: pd.DataFrame, airlines: pd.DataFrame
) -> dict[str, Any]:
    """Measure predictions against outcomes, beside the baseline's guesses for the same flights.

    Args:
        predictions: What `predict_delays` or `guess_delays` returns.
        outcomes: How the same flights ended; those that did not arrive are counted and left out.
        rates: The baseline.
        airlines: `carrier` and its `name`.

    Returns:
        All JSON-able: `made_by` (what predicted), `flights` (that have arrived), `states` (flights in each state),
        `late_share`, `metrics`, `slices` and `calibration`. Metrics are `auc` (area under the ROC curve), `brier` (mean
        squared error of the probability), both also of the baseline (`auc_baseline`) and as the advantage over it
        (`auc_gain`, `brier_gain`: positive is better), and `bias` (mean probability less the share that was late).
        `<metric>_low` and `<metric>_high` are the ends of a 95 % bootstrap interval over days, for the gains with model
        and baseline on the same days. Slices with fewer than 10 flights that were late, or that were not, are left out.
    """
    flights = join_outcomes(predictions, outcomes)
    flights = flights.assign(
        guess=guess(rates, flights),
        day=number_days(give_days(flights["sched_dep_time"])),
    )
    slices = [
        {"slice": name, "value": value, "flights": int(members.sum()), **_measure(flights[members])}
        for name, value, members in _slices(flights, airlines)
        if min(flights.loc[members, "late"].sum(), (~flights.loc[members, "late"]).sum()) >= FEWEST
    ]
    return {
        "made_by": str(predictions["made_by"].iloc[0]),
        "flights": len(flights),
        "states": count_states(outcomes["state"]),
        "late_share": float(flights["late"].mean()),
        "metrics": _measure(flights),
        "slices": slices,
        "calibration": _calibrate(flights),
    }


def _measure(flights: pd.DataFrame) -> dict[str, float]:
    late, days = flights["late"].to_numpy(bool), number_days(flights["day"])
    model, baseline = flights["probability"].to_numpy(float), flights["guess"].to_numpy(float)
    weights = draw_weights(days.max() + 1)
    auc, auc_baseline = (measure_auc(scores, late, days, weights) for scores in (model, baseline))
    brier, brier_baseline = (measure_mean((scores - late) ** 2, days, weights) for scores in (model, baseline))
    return {
        **give_interval("auc", auc),
        **give_interval("auc_baseline", auc_baseline),
        **give_interval("auc_gain", auc - auc_baseline),
        **give_interval("brier", brier),
        **give_interval("brier_baseline", brier_baseline),
        **give_interval("brier_gain", brier_baseline - brier),
        **give_interval("bias", measure_mean(model - late, days, weights)),
    }


def _calibrate(flights: pd.DataFrame) -> list[dict[str, float]]:
    """Compare predicted with observed shares, in ten bins with as many flights each."""
    weights = draw_weights(flights["day"].max() + 1)
    ranks = flights["probability"].rank(method="first").to_numpy() - 1
    bins = (ranks * BINS // len(flights)).astype(int)
    found = []
    for number in np.unique(bins):
        members = flights[bins == number]
        observed = measure_mean(members["late"].to_numpy(float), members["day"].to_numpy(), weights)
        entry = {"flights": len(members), "predicted": float(members["probability"].mean())}
        found.append({**entry, **give_interval("observed", observed)})
    return found


def _slices(flights: pd.DataFrame, airlines: pd.DataFrame) -> Iterator[tuple[str, str, pd.Series]]:
    hour = flights["minute_of_day"] // 60
    names = flights["carrier"].map(airlines.set_index("carrier")["name"]).fillna(flights["carrier"])
    departure = pd.cut(hour, [-1, *(end - 1 for end in DEPARTURES.values())], labels=list(DEPARTURES)).astype(str)
    columns: Mapping[str, pd.Series] = {"origin": flights["origin"], "carrier": names, "departure": departure}
    for name, column in columns.items():
        for value in DEPARTURES if name == "departure" else sorted(column.unique()):
            yield name, str(value), column == value


def tabulate_slices(slices: list[dict[str, Any]]) -> str:
    """Write the slices that `evaluate` measured as a Markdown table."""
    lines = [
        "| slice | value | flights | AUC | 95 % interval | baseline | gain | 95 % interval | Brier | baseline |",
        "| --- | --- | ---: | ---: | --- | ---: | ---: | --- | ---: | ---: |",
    ]
    lines += [
        f"| {row['slice']} | {row['value']} | {row['flights']:,} | {row['auc']:.3f} "
        f"| {row['auc_low']:.3f} to {row['auc_high']:.3f} | {row['auc_baseline']:.3f} | {row['auc_gain']:+.3f} "
        f"| {row['auc_gain_low']:+.3f} to {row['auc_gain_high']:+.3f} "
        f"| {row['brier']:.3f} | {row['brier_baseline']:.3f} |"
        for row in slices
    ]
    return "\n".join(lines)
