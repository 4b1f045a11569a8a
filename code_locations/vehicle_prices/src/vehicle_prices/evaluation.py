"""How good estimates are, on cars that the model has not seen."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

SEED = 0
RESAMPLES = 2_000
LEVEL = 0.95
FEWEST_CARS = 15

TOP_MODELS = 5
YEAR_BANDS = {"1990 to 2004": 2004, "2005 to 2011": 2011, "2012 to 2015": 2015, "2016 and later": np.inf}
PRICE_BANDS = {"up to 10,000": 10_000, "10,001 to 20,000": 20_000, "20,001 to 35,000": 35_000, "over 35,000": np.inf}


def evaluate(cars: pd.DataFrame, predictions: pd.DataFrame, baseline_usd: float) -> dict[str, Any]:
    """Measure estimates against asked prices, beside a baseline that gives every car the same price.

    Args:
        cars: One row a car, with `price_usd` (asked, US dollars), `model`, `year` and `condition`.
        predictions: `estimate`, `low` and `high` of the same rows, in US dollars.
        baseline_usd: The baseline's price for every car.

    Returns:
        `cars` (their number), `metrics` and `slices`, all JSON-able. Metrics: `mae` and `mae_baseline` (mean absolute
        error, US dollars), `ratio` (the one divided by the other), `ape` and `ape_median` (absolute error as a share of
        the price), `coverage` (share of prices between low and high). `<metric>_low` and `<metric>_high` are the ends
        of a 95 % bootstrap interval: cars are resampled, and for the ratio model and baseline on the same ones.
        Slices of fewer than 15 cars are left out.
    """
    price = cars["price_usd"].to_numpy(float)
    errors = pd.DataFrame(
        {
            "model": np.abs(predictions["estimate"].to_numpy() - price),
            "baseline": np.abs(baseline_usd - price),
            "inside": (predictions["low"].to_numpy() <= price) & (price <= predictions["high"].to_numpy()),
            "price": price,
        }
    )
    slices = [
        {"slice": name, "value": value, "cars": int(members.sum()), **_measure(errors[members])}
        for name, value, members in _slices(cars.reset_index(drop=True))
        if members.sum() >= FEWEST_CARS
    ]
    return {"cars": len(cars), "metrics": _measure(errors), "slices": slices}


def _measure(errors: pd.DataFrame) -> dict[str, float]:
    model, baseline = errors["model"].to_numpy(), errors["baseline"].to_numpy()
    inside, share = errors["inside"].to_numpy(float), model / errors["price"].to_numpy()
    drawn = np.random.default_rng(SEED).integers(0, len(errors), (RESAMPLES, len(errors)))

    def with_interval(name: str, value: float, resampled: NDArray[np.float64]) -> dict[str, float]:
        low, high = np.quantile(resampled, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
        return {name: float(value), f"{name}_low": float(low), f"{name}_high": float(high)}

    model_means, baseline_means = model[drawn].mean(axis=1), baseline[drawn].mean(axis=1)
    return {
        **with_interval("mae", model.mean(), model_means),
        **with_interval("mae_baseline", baseline.mean(), baseline_means),
        **with_interval("ratio", model.mean() / baseline.mean(), model_means / baseline_means),
        **with_interval("ape", share.mean(), share[drawn].mean(axis=1)),
        **with_interval("ape_median", np.median(share), np.median(share[drawn], axis=1)),
        **with_interval("coverage", inside.mean(), inside[drawn].mean(axis=1)),
    }


def _slices(cars: pd.DataFrame) -> Iterator[tuple[str, str, pd.Series]]:
    top = cars["model"].value_counts().index[:TOP_MODELS]
    columns = {
        "model class": cars["model"].where(cars["model"].isin(top), "all others"),
        "model year": _band(cars["year"], YEAR_BANDS),
        "price asked, US dollars": _band(cars["price_usd"], PRICE_BANDS),
        "condition": cars["condition"],
    }
    orders = {"model class": [*top, "all others"], "model year": YEAR_BANDS, "price asked, US dollars": PRICE_BANDS}
    for name, column in columns.items():
        for value in orders.get(name, sorted(column.unique())):
            yield name, str(value), column == value


def _band(column: pd.Series, upper_ends: dict[str, float]) -> pd.Series:
    return pd.cut(column, [-np.inf, *upper_ends.values()], labels=list(upper_ends)).astype(str)


def tabulate_slices(slices: list[dict[str, Any]]) -> str:
    """Write the slices that `evaluate` measured as a Markdown table."""
    lines = [
        "| slice | value | cars | MAE, US dollars | 95 % interval | median guess | in 90 % interval |",
        "| --- | --- | ---: | ---: | --- | ---: | ---: |",
    ]
    lines += [
        f"| {row['slice']} | {row['value']} | {row['cars']:,} | {row['mae']:,.0f} "
        f"| {row['mae_low']:,.0f} to {row['mae_high']:,.0f} | {row['mae_baseline']:,.0f} | {row['coverage']:.0%} |"
        for row in slices
    ]
    return "\n".join(lines)
