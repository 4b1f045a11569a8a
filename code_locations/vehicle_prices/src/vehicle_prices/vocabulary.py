"""What a `defs.yaml` can name. Definitions load it, so it imports no data library."""

from typing import Literal, get_args

Attribute = Literal[
    "model",
    "condition",
    "fuel",
    "transmission",
    "drive",
    "size",
    "type",
    "paint_color",
    "title_status",
    "state",
]
Number = Literal["age_years", "odometer_mi", "miles_per_year", "cylinders"]
Feature = Literal[Attribute, Number]
TrainerName = Literal["gradient_boosting", "ridge"]

TEXTS: list[str] = list(get_args(Attribute))
NUMBERS: list[str] = list(get_args(Number))
