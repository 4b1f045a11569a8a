"""How far a table has moved from another one, column by column, beside what chance alone would move."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from atoll.errors import UserError

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Numbers = NDArray[np.intp]

SEED = 0
RESAMPLES = 2_000
BINS = 10
# Categories with a smaller share of the reference are one bin together, with those that it does not have.
RAREST = 0.01
# What each bin has before it is counted, so that none is empty.
PRIOR = 0.5
# Units of a reference in which parts can be compared with the rest.
FEWEST = 4


@dataclass(frozen=True)
class Movement:
    """How far a column has moved.

    Attributes:
        column: Its name.
        psi: The population stability index, 0 for the same shares.
        noise: What the index is above by chance, for one column of all, as often as the error rate says.
        drifted: Whether the index is above the limit and above the noise.
    """

    column: str
    psi: float
    noise: float
    drifted: bool


def measure_movements(
    reference: "pd.DataFrame",
    current: "pd.DataFrame",
    columns: Sequence[str],
    limit: float,
    units: str | None = None,
    error_rate: float = 0.05,
) -> list[dict[str, Any]]:
    """Measure how far the columns of a table have moved from a reference.

    The population stability index is the sum over bins of (p - q) ln(p / q), where p and q are the shares of the two
    tables (N. Siddiqi, Credit Risk Scorecards, 2006; also Jeffreys' divergence). Bins are tenths of the reference for
    numbers, and categories otherwise; missing values are a bin of their own.

    What chance moves is measured, not assumed: parts of the reference as large as the other table are drawn, unit by
    unit, and compared with the rest of it. Rows of one unit share their luck: a week of flights has seven days of
    weather, however many flights it has.

    Args:
        reference: What a model was trained on; at least one row.
        current: What it is asked about now; at least one row.
        columns: Of both tables.
        limit: The index below which a movement does not matter; 0.1 is usually called small and 0.25 large.
        units: A column of both tables, such as the day; None: every row stands alone.
        error_rate: How often any column may be said to have drifted by chance.

    Returns:
        The fields of `Movement` for each column, the farthest first.

    Raises:
        UserError: A column is missing, a table is empty, or the reference has fewer than four units.
    """
    _check(reference, current, columns, units)
    groups = None if units is None else _number(reference[units])
    size = len(current) if units is None else int(current[units].nunique())
    found = []
    for column in columns:
        before, after, bins = _bin(reference[column], current[column])
        psi = float(_compare(_count(before, bins), _count(after, bins)))
        noise = _measure_noise(before, bins, groups, size, 1 - error_rate / len(columns))
        found.append(Movement(column, psi, noise, psi > max(limit, noise)))
    return [asdict(movement) for movement in sorted(found, key=lambda movement: -movement.psi)]


def _bin(reference: "pd.Series", current: "pd.Series") -> "tuple[Numbers, Numbers, int]":
    """Number the bins of both columns, from 0; and say how many there are."""
    import numpy as np
    import pandas as pd

    if pd.api.types.is_numeric_dtype(reference) and not pd.api.types.is_bool_dtype(reference):
        numbers = [column.to_numpy(float, na_value=np.nan) for column in (reference, current)]
        known = numbers[0][~np.isnan(numbers[0])]
        edges = np.unique(np.quantile(known, np.arange(1, BINS) / BINS)) if len(known) else np.array([])
        last = len(edges) + 1
        before, after = (
            np.where(np.isnan(column), last, np.searchsorted(edges, column, side="right")) for column in numbers
        )
        return before, after, last + 1
    shares = reference.astype(object).value_counts(normalize=True)
    names = {name: number for number, name in enumerate(shares.index[shares >= RAREST])}
    others, missing = len(names), len(names) + 1
    before, after = (
        column.astype(object).map(names).fillna(others).mask(column.isna(), missing).to_numpy(np.intp)
        for column in (reference, current)
    )
    return before, after, missing + 1


def _measure_noise(before: "Numbers", bins: int, groups: "Numbers | None", size: int, quantile: float) -> float:
    """Measure the index that parts of the reference have against the rest of it; so many as ``size`` units each.

    Where a part of that size would leave less than itself, halves are drawn, and their index is scaled: it grows with
    the sum of 1 / units of both.
    """
    import numpy as np

    rng = np.random.default_rng(SEED)
    total = len(before) if groups is None else int(groups.max()) + 1
    drawn = min(size, total // 2)
    if groups is None:
        counts = _count(before, bins)
        parts = rng.multivariate_hypergeometric(counts, drawn, RESAMPLES, method="marginals")
    else:
        by_unit = np.zeros((total, bins), np.int64)
        np.add.at(by_unit, (groups, before), 1)
        counts = by_unit.sum(axis=0)
        parts = (rng.random((RESAMPLES, total)).argsort(axis=1) < drawn) @ by_unit
    scale = (1 / size + 1 / total) / (1 / drawn + 1 / (total - drawn))
    return float(np.quantile(_compare(counts - parts, parts), quantile) * scale)


def _compare(first: "NDArray[Any]", second: "NDArray[Any]") -> "Floats":
    """The index of two counts of bins, along the last axis."""
    import numpy as np

    shares = [(counts + PRIOR) / (counts + PRIOR).sum(axis=-1, keepdims=True) for counts in (first, second)]
    return ((shares[0] - shares[1]) * np.log(shares[0] / shares[1])).sum(axis=-1)


def _count(numbers: "Numbers", bins: int) -> "NDArray[Any]":
    import numpy as np

    return np.bincount(numbers, minlength=bins)


def _number(units: "pd.Series") -> "Numbers":
    import numpy as np

    return np.unique(units.astype(str).to_numpy(), return_inverse=True)[1]


def _check(reference: "pd.DataFrame", current: "pd.DataFrame", columns: Sequence[str], units: str | None) -> None:
    if not columns:
        raise UserError(
            "Drift cannot be measured.",
            "No column is named to look at.",
            "Name columns that both tables have where drift is defined.",
        )
    for name, table in (("reference", reference), ("current table", current)):
        missing = [column for column in [*columns, *([units] if units else [])] if column not in table.columns]
        if missing:
            raise UserError(
                f"Drift cannot be measured in {', '.join(f'`{column}`' for column in missing)}.",
                f"The {name} has no such column; it has: {', '.join(map(str, table.columns))}.",
                "Name columns that both tables have where drift is defined.",
            )
        if table.empty:
            raise UserError(
                "Drift cannot be measured.",
                f"The {name} has no rows.",
                "Materialize what it is made of, and look at the checks of that.",
            )
    found = len(reference) if units is None else int(reference[units].nunique())
    if found < FEWEST:
        named = "rows" if units is None else f"different values of `{units}`"
        raise UserError(
            "Drift cannot be told from chance.",
            f"The reference has {found} {named}, and it takes {FEWEST}.",
            "Give a longer reference.",
        )
