"""The baseline and the model."""

from typing import Any

import dagster as dg
from pydantic import Field

from vehicle_prices.defs.location import LOCATION, OWNERS, WEEKLY


class Training(dg.Config):
    """Which trainer learns, and with which parameters of its estimator (by scikit-learn's names)."""

    trainer: str = "gradient_boosting"
    parameters: dict[str, Any] = Field(default_factory=dict)


@dg.asset(key_prefix=LOCATION, group_name=LOCATION, kinds={"pandas"}, owners=OWNERS)
def median_price(training_set):
    """The baseline: the median price of the training cars, guessed for every car."""
    price = float(training_set["price_usd"].median())
    return dg.MaterializeResult(value=price, metadata={"median price, US dollars": price})


@dg.asset(
    key_prefix=LOCATION,
    group_name=LOCATION,
    kinds={"scikitlearn", "mlflow"},
    owners=OWNERS,
    freshness_policy=WEEKLY,
)
def model(training_set, config: Training):
    """The trained model; the same cars and configuration give the same file, bit for bit."""
    from vehicle_prices.training import make_trainer

    trained = make_trainer(config.trainer, config.parameters).train(training_set)
    return dg.MaterializeResult(value=trained, metadata={"cars": len(training_set)})
