"""A pipeline from listings to predictions, as a `defs.yaml` describes it."""

from typing import Annotated, Any

import dagster as dg
from pydantic import BaseModel, Field

from vehicle_prices.components.attributes import Limits, PriceGate, Retraining, Source
from vehicle_prices.components.baseline import define_baseline
from vehicle_prices.components.evaluation import define_evaluation
from vehicle_prices.components.features import define_features
from vehicle_prices.components.listings import define_listings
from vehicle_prices.components.model import define_model
from vehicle_prices.components.place import Place
from vehicle_prices.components.predictions import define_predictions
from vehicle_prices.components.promotion import define_promotion
from vehicle_prices.components.retraining import define_retraining
from vehicle_prices.components.vehicles import define_vehicles
from vehicle_prices.vocabulary import Feature, TrainerName


class PricingPipeline(dg.Component, dg.Model, dg.Resolvable):
    """Asked prices, learnt and estimated for one segment of the listings, behind a gate of its own."""

    name: Annotated[str, Field(pattern="^[a-z][a-z0-9_]*$")] | None = Field(
        default=None, description="What its keys have after the location's name; without one, only that."
    )
    source: Source
    features: list[Feature] = Field(min_length=1, description="The columns that the model learns from.")
    trainer: TrainerName = Field(description="Who trains, unless the run's configuration names another one.")
    parameters: dict[str, Any] = Field(
        default={}, description="Parameters of the trainer's estimator; those in the run's configuration win."
    )
    gate: PriceGate
    limits: Limits = Limits()
    retraining: Retraining

    @classmethod
    def model(cls) -> type["PricingPipeline"]:
        """Give the class itself as the schema of the file.

        The schema that Dagster derives also takes any text for any value, as a template; a wrong word would be found
        late, and not in its line.
        """
        return cls

    @classmethod
    def resolve_from_model(cls, context: dg.ResolutionContext, model: BaseModel) -> BaseModel:
        """Take the file as it was read: it has no templates."""
        return model

    def build_defs(self, context: dg.ComponentLoadContext) -> dg.Definitions:
        """Build what the file of this folder describes."""
        return self.define(str((context.path / "defs.yaml").relative_to(context.defs_module_path.parent)))

    def define(self, file: str) -> dg.Definitions:
        """Define assets, checks, job and schedule; `file` is where people find this pipeline."""
        place = Place(self.name, file)
        model = define_model(place, self.features, self.trainer, self.parameters)
        return dg.Definitions.merge(
            define_listings(place, self.source, self.limits.largest_car),
            define_vehicles(place, self.limits.dropped),
            define_features(place),
            define_baseline(place),
            dg.Definitions(assets=[model]),
            define_promotion(place, model, self.gate),
            define_evaluation(place, self.limits.ratio, self.limits.coverage),
            define_predictions(place),
            define_retraining(place, self.retraining),
        )
