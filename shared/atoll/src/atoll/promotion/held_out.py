"""Rows that neither of two models has learnt from, and what each scores on them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from atoll.errors import UserError
from atoll.promotion.comparison import BINARY, ROUNDING, IncomparableError, find_fault, join_units, measure, score_rows

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray

MODELS = ("challenger", "champion", "baseline")


@dataclass(frozen=True, eq=False)
class HeldOut:
    """Rows that neither model has learnt from, in any order, with the predictions of each model for them.

    Attributes:
        truth: Shape (n,); for ``roc_auc``, ``neg_brier_score`` and ``neg_log_loss`` 0 and 1.
        challenger: Its predictions, shape (n,); for those metrics of the class 1.
        champion: Those of the champion; None where there is none.
        baseline: Those of the baseline; None where there is none.
        units: What shares its luck and is left out together, such as the day of a flight, shape (n,); None: every row
            stands alone.
        slices: Labels of shape (n,) by the name of what they say, such as the airline of each flight. A pandas
            categorical also names the slices that have no row.
        champion_error: Why a champion that exists cannot predict, such as that it no longer loads; ``champion`` is then
            not looked at.
    """

    truth: "ArrayLike"
    challenger: "ArrayLike"
    champion: "ArrayLike | None" = None
    baseline: "ArrayLike | None" = None
    units: "ArrayLike | None" = None
    slices: "Mapping[str, ArrayLike]" = field(default_factory=dict)
    champion_error: str | None = None


@dataclass(frozen=True, eq=False)
class Scores:
    """What `read_scores` gives.

    Attributes:
        rows: How many there are.
        scores: Of each model that can be judged, shape (n,).
        faults: Why another model that is there cannot be judged.
        positives: Which rows have the class 1, for ``roc_auc``.
        groups: What the jackknife leaves out (`join_units`), shape (n,).
        units: How many units there are.
    """

    rows: int
    scores: "dict[str, NDArray[np.float64]]"
    faults: dict[str, str]
    positives: "NDArray[np.bool_] | None"
    groups: "NDArray[np.intp]"
    units: int


def read_scores(metric: str, held_out: HeldOut) -> Scores:
    """Score each model on each row.

    Raises:
        UserError: What is held out has different lengths, or its truth has missing or unsuitable values.
    """
    import numpy as np

    models = {name: getattr(held_out, name) for name in MODELS}
    _check_shapes({"truth": held_out.truth, **models, "units": held_out.units, **held_out.slices})
    if metric != "mean":
        _check_truth(metric, held_out.truth)
    found = {name: find_fault(metric, values) for name, values in models.items() if values is not None}
    faults = {name: fault for name, fault in found.items() if fault is not None}
    if held_out.champion_error is not None:
        faults["champion"] = " ".join(held_out.champion_error.split()).removesuffix(".")
    scores = {name: score_rows(metric, held_out.truth, models[name]) for name in found if name not in faults}
    positives = np.asarray(held_out.truth, dtype=float) == 1 if metric == "roc_auc" else None
    rows = np.shape(held_out.truth)[0]
    groups, units = join_units(held_out.units, rows, [*scores.values(), *([] if positives is None else [positives])])
    return Scores(rows, scores, faults, positives, groups, units)


def measure_slices(
    found: Scores, slices: "Mapping[str, ArrayLike]", fewest: int
) -> Iterator[dict[str, str | int | float | bool | None]]:
    """Measure challenger and champion in each slice; what has too few rows or no metric is named, and says why."""
    import numpy as np

    for name, given in slices.items():
        labels = np.asarray(given).astype(str)
        categories = getattr(getattr(given, "cat", given), "categories", ())
        for value in sorted({*labels.tolist(), *map(str, categories)}):
            members = labels == value
            rows = int(members.sum())
            row: dict[str, Any] = {"slice": name, "value": value, "rows": rows}
            yield row | _measure_slice(
                found, members, f"fewer than {fewest:,} rows: {rows:,}" if rows < fewest else None
            )


def _measure_slice(found: Scores, members: "NDArray[np.bool_]", why: str | None) -> dict[str, Any]:
    own = other = gain = None
    positives = None if found.positives is None else found.positives[members]
    try:
        if why is None:
            own = measure(found.scores["challenger"][members], positives)
            if "champion" in found.scores:
                other = measure(found.scores["champion"][members], positives)
                gain = 0.0 if abs(own - other) <= ROUNDING * max(abs(own), abs(other)) else own - other
            else:
                why = "no champion"
    except IncomparableError as error:
        why = str(error)
    return {"challenger": own, "champion": other, "gain": gain, "judged": why is None, "why": why}


def _check_shapes(values: "Mapping[str, ArrayLike | None]") -> None:
    import numpy as np

    shapes = {name: np.shape(given) for name, given in values.items() if given is not None}
    if len(set(shapes.values())) > 1 or len(shapes["truth"]) != 1:
        raise UserError(
            "The held-out rows do not fit together.",
            f"Shapes are {', '.join(f'{shape} of {name}' for name, shape in shapes.items())}.",
            "Give one value a row, for the same rows; of probabilities, that of the class 1.",
        )


def _check_truth(metric: str, truth: "ArrayLike") -> None:
    import numpy as np

    fault = find_fault("accuracy" if metric == "accuracy" else "neg_mean_absolute_error", truth)
    if fault is None and metric in BINARY and not np.isin(np.asarray(truth, dtype=float), (0, 1)).all():
        fault = "values other than 0 and 1"
    if fault is not None:
        raise UserError(
            "The truth of the held-out rows is not valid.",
            f"It has {fault}; {metric} is measured against it.",
            "Hold out rows whose true value is known, and give it as the metric takes it.",
        )
