"""How much better one model is than another on the same rows, and how sure that is."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]

# As scikit-learn names its scorers, so bigger is better; `mean` takes the predictions themselves for scores of rows.
METRICS = ("roc_auc", "neg_brier_score", "neg_log_loss", "neg_mean_absolute_error", "accuracy", "mean")
PROBABILITIES = ("neg_brier_score", "neg_log_loss")
BINARY = ("roc_auc", *PROBABILITIES)

FEWEST_UNITS = 3
MOST_GROUPS = 200
SEED = 0
# Differences below this share of the metric are rounding.
ROUNDING = 1e-12


class IncomparableError(Exception):
    """A metric or its interval cannot be had from these rows; the text says why."""


@dataclass(frozen=True)
class Comparison:
    """What `compare` found: both metrics, their difference and the ends of its interval."""

    first: float
    second: float
    gain: float
    low: float
    high: float

    @property
    def same(self) -> bool:
        """Whether there is no difference at all, whatever unit is left out."""
        return self.low == self.high == 0

    def exceeds(self, limit: float) -> bool:
        """Whether the lower end is above a limit, by more than rounding."""
        return self.low - limit > ROUNDING * max(abs(self.first), abs(self.second))


def find_fault(metric: str, values: "ArrayLike") -> str | None:
    """Say what is wrong with predictions, if anything: not numbers, not finite, or no probabilities where they must be.

    Args:
        metric: One of `METRICS`.
        values: Shape (n,).

    Returns:
        For example "missing or infinite values: 3 of 900", or None.
    """
    import numpy as np

    if metric == "accuracy":
        labels = np.asarray(values, dtype=object)
        lost = sum(map(_is_lost, labels))
        return f"missing or infinite values: {lost:,} of {len(labels):,}" if lost else None
    try:
        numbers = np.asarray(values, dtype=float)
    except (TypeError, ValueError):
        return "values that are not numbers"
    if lost := int((~np.isfinite(numbers)).sum()):
        return f"missing or infinite values: {lost:,} of {len(numbers):,}"
    outside = int(((numbers < 0) | (numbers > 1)).sum()) if metric in PROBABILITIES else 0
    return f"values that are no probabilities: {outside:,} of {len(numbers):,}" if outside else None


def _is_lost(label: object) -> bool:
    """NaN is not equal to itself; pandas' NA says neither yes nor no."""
    import numpy as np

    equal = label == label
    return label is None or not isinstance(equal, (bool, np.bool_)) or not equal or label in (np.inf, -np.inf)


def score_rows(metric: str, truth: "ArrayLike", predictions: "ArrayLike") -> "Floats":
    """Score each row, so that the mean is the metric; for ``roc_auc``, which is no mean, give the predictions.

    Probabilities in ``neg_log_loss`` are kept off 0 and 1 by the machine's precision, as scikit-learn does.

    Args:
        metric: One of `METRICS`.
        truth: Shape (n,): 0 and 1 for ``roc_auc``, ``neg_brier_score`` and ``neg_log_loss``, numbers for
            ``neg_mean_absolute_error``, any labels for ``accuracy``; not looked at for ``mean``.
        predictions: Shape (n,): without a fault (`find_fault`).
    """
    import numpy as np

    if metric == "accuracy":
        return (np.asarray(truth, dtype=object) == np.asarray(predictions, dtype=object)).astype(float)
    given = np.asarray(predictions, dtype=float)
    if metric in ("roc_auc", "mean"):
        return given
    true = np.asarray(truth, dtype=float)
    if metric == "neg_mean_absolute_error":
        return -np.abs(given - true)
    if metric == "neg_brier_score":
        return -((given - true) ** 2)
    precision = np.finfo(float).eps
    return np.log(np.clip(np.where(true == 1, given, 1 - given), precision, 1 - precision))


def join_units(
    units: "ArrayLike | None", rows: int, content: "Sequence[NDArray[Any]]"
) -> "tuple[NDArray[np.intp], int]":
    """Number the groups that the jackknife leaves out one by one.

    A group is a unit; more than 200 units are joined into 200 groups at random, always in the same way: by their names,
    or, where every row is a unit, by the rows' content, so that the order of rows does not count.

    Args:
        units: Shape (n,), the unit of each row; None: every row is one.
        rows: Their number n.
        content: Arrays of shape (n,), all that is compared of the rows; none where nothing is.

    Returns:
        The number of each row's group, from 0, and how many units there are.
    """
    import numpy as np

    if units is None:
        numbers = np.empty(rows, dtype=np.intp)
        numbers[np.lexsort((np.zeros(rows), *content))] = np.arange(rows)
    else:
        numbers = np.unique(np.asarray(units).astype(str), return_inverse=True)[1]
    found = int(numbers.max(initial=-1)) + 1
    if found > MOST_GROUPS:
        numbers = np.random.default_rng(SEED).permutation(found)[numbers] % MOST_GROUPS
    return numbers, found


def measure(scores: "Floats", positives: "NDArray[np.bool_] | None" = None) -> float:
    """Measure the mean of scores, or with ``positives`` the area under the ROC curve.

    Args:
        scores: What `score_rows` gives, shape (n,).
        positives: Which rows have the class 1, shape (n,), for ``roc_auc``.

    Raises:
        IncomparableError: All rows are of one class.
    """
    import numpy as np

    return float(_measure_without(scores, np.zeros(len(scores), dtype=np.intp), positives)[0])


def compare(
    first: "Floats",
    second: "Floats",
    groups: "NDArray[np.intp]",
    error_rate: float,
    positives: "NDArray[np.bool_] | None" = None,
) -> Comparison:
    """Compare two models on the same rows, with an interval of the difference from a jackknife over groups.

    The difference d of the metrics is computed again without each of the G groups, and from those values d(g) its
    variance is (G - 1) / G times the sum of (d(g) - d)**2. This is the delete-one jackknife (Efron and Tibshirani 1993,
    An Introduction to the Bootstrap, chapter 11) with groups in place of rows and centred at d, not at the mean of
    d(g), which gives no less: CV3 of MacKinnon, Nielsen and Webb (2023, Fast and reliable jackknife and bootstrap
    methods for cluster-robust inference, Journal of Applied Econometrics 38). The interval takes Student's t with G - 1
    degrees of freedom, as is advised where groups are few (Cameron and Miller 2015, A practitioner's guide to
    cluster-robust inference, Journal of Human Resources 50).

    Those are about regression. That the rate is kept for these metrics with seven groups is simulated in the tests; it
    holds where the groups' differences are about symmetric: seven days cannot show that a model which is a little
    better on most days is much worse on a rare one.

    Args:
        first: Scores of the one model, shape (n,).
        second: Scores of the other, shape (n,).
        groups: From `join_units`.
        error_rate: How often the lower end is above a true difference; the interval has two ends of this rate each.
        positives: As in `measure`.

    Raises:
        IncomparableError: The metric is not defined, for all rows or without one of the groups, or there are fewer
            than three groups.
    """
    import numpy as np
    from scipy.special import stdtrit

    own, other = (_measure_without(scores, groups, positives) for scores in (first, second))
    count = len(own) - 1
    if count < FEWEST_UNITS:
        raise IncomparableError(f"there are too few units: {count}, and it takes {FEWEST_UNITS}")
    if np.isnan(own).any():
        raise IncomparableError("without one of the units all rows are of one class, so there is no interval")
    gains = own - other
    if (np.abs(gains) <= ROUNDING * np.maximum(np.abs(own), np.abs(other))).all():
        return Comparison(float(own[0]), float(other[0]), 0.0, 0.0, 0.0)
    gain = gains[0]
    error = np.sqrt((count - 1) / count * ((gains[1:] - gain) ** 2).sum())
    reach = stdtrit(count - 1, 1 - error_rate) * error
    return Comparison(*(float(value) for value in (own[0], other[0], gain, gain - reach, gain + reach)))


def _measure_without(
    scores: "Floats", groups: "NDArray[np.intp]", positives: "NDArray[np.bool_] | None" = None
) -> "Floats":
    """Measure all rows, then those without each group: shape (1 + groups,), NaN where what is left has one class."""
    import numpy as np

    count = int(groups.max()) + 1
    if positives is None:
        sums, weights = np.bincount(groups, scores, count), np.bincount(groups, minlength=count)
        return _divide(np.append(sums.sum(), sums.sum() - sums), np.append(weights.sum(), weights.sum() - weights))
    if positives.all() or not positives.any():
        raise IncomparableError(f"all {len(scores):,} rows are of one class, and roc_auc needs both")
    # The share of pairs of a positive and a negative row in which the positive one has the higher score, ties counting
    # half (Hanley and McNeil 1982). Without a group, its pairs with all rows go, those inside it once.
    upper, lower = scores[positives], scores[~positives]
    won = _count_below(upper, lower)
    lost = len(upper) - _count_below(lower, upper)
    inside = [
        _count_below(upper[groups[positives] == group], lower[groups[~positives] == group]).sum()
        for group in range(count)
    ]
    touched = np.bincount(groups[positives], won, count) + np.bincount(groups[~positives], lost, count) - inside
    more, less = (np.bincount(groups[rows], minlength=count) for rows in (positives, ~positives))
    pairs = np.append(len(upper) * len(lower), (len(upper) - more) * (len(lower) - less))
    return _divide(np.append(won.sum(), won.sum() - touched), pairs)


def _count_below(scores: "Floats", others: "Floats") -> "Floats":
    """Count for each score how many others are below it, equal ones half."""
    import numpy as np

    ordered = np.sort(others)
    return (np.searchsorted(ordered, scores, "left") + np.searchsorted(ordered, scores, "right")) / 2


def _divide(values: "Floats", by: "NDArray[Any]") -> "Floats":
    import numpy as np

    return np.divide(values, by, out=np.full(len(values), np.nan), where=by > 0)
