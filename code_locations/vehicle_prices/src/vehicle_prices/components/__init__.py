"""The component of this project: a `defs.yaml` below `defs/` is a pipeline."""

from vehicle_prices.components.pipeline import PricingPipeline

__all__ = ["PricingPipeline"]
