"""item2vec, and the model that is used."""

from typing import Any

import dagster as dg
from pydantic import Field

from product_recommendations.defs.location import LOCATION, OWNERS, WEEKLY


class Item2VecTraining(dg.Config):
    """With which parameters item2vec learns."""

    parameters: dict[str, Any] = Field(default_factory=dict)


class Training(dg.Config):
    """Which trainer learns, and with which parameters."""

    trainer: str = "item_ridge"
    parameters: dict[str, Any] = Field(default_factory=dict)


@dg.asset(key_prefix=LOCATION, group_name=LOCATION, kinds={"gensim"}, owners=OWNERS)
def item2vec(training_baskets, config: Item2VecTraining):
    """Word2Vec over baskets, to compare with; the same baskets and configuration give the same file, bit for bit."""
    return _train("item2vec", config.parameters, training_baskets)


@dg.asset(key_prefix=LOCATION, group_name=LOCATION, kinds={"numpy", "mlflow"}, owners=OWNERS, freshness_policy=WEEKLY)
def model(training_baskets, config: Training):
    """The model that recommends; the same baskets and configuration give the same file, bit for bit."""
    return _train(config.trainer, config.parameters, training_baskets)


def _train(trainer: str, parameters: dict[str, Any], baskets: Any) -> dg.MaterializeResult:
    from product_recommendations.training import make_trainer

    trained = make_trainer(trainer, parameters).train(baskets)
    counts = {"baskets": int(baskets["basket_id"].nunique()), "items": len(trained.items)}
    return dg.MaterializeResult(value=trained, metadata={**counts, "learnt until": str(trained.until)})
