"""A pipeline as a `defs.yaml` says it, to be changed."""

from pathlib import Path
from typing import Any

import dagster as dg
import yaml

import vehicle_prices.defs
from vehicle_prices.components import PricingPipeline

FILE = Path(vehicle_prices.defs.__path__[0], "all_vehicles", "defs.yaml")


def attributes(**changes: object) -> dict[str, Any]:
    """The attributes of the first pipeline, with others in their place; without limits, which have defaults."""
    given = yaml.safe_load(FILE.read_text())["attributes"]
    del given["limits"]
    return {**given, **changes}


def build(given: dict[str, Any]) -> dg.Definitions:
    return PricingPipeline.model_validate(given).define("defs.yaml")
