"""The model."""

from collections.abc import Mapping, Sequence
from typing import Any

import dagster as dg
from pydantic import Field

from vehicle_prices.components.place import WEEKLY, Place


def define_model(
    place: Place, features: Sequence[str], trainer: str, parameters: Mapping[str, object]
) -> dg.AssetsDefinition:
    """Define the model; trainer and parameters are what is taken unless the run's configuration says otherwise."""
    first_choice = trainer

    class Training(dg.Config):
        """Which trainer learns, and with which parameters of its estimator (by scikit-learn's names)."""

        trainer: str = first_choice
        parameters: dict[str, Any] = Field(default_factory=dict)

    @place.asset(kinds={"scikitlearn", "mlflow"}, freshness_policy=WEEKLY)
    def model(training_set, config: Training):
        """The trained model; the same cars and configuration give the same file, bit for bit."""
        from vehicle_prices.training import make_trainer

        # Another trainer's estimator does not have the parameters of the file.
        own = parameters if config.trainer == trainer else {}
        trained = make_trainer(config.trainer, {**own, **config.parameters}, features).train(training_set)
        return dg.MaterializeResult(value=trained, metadata={"cars": len(training_set)})

    return model
