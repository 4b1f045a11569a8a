"""When each week is delivered, by a plan that plays the supplier: the data set has no arrival times."""

import os
from collections.abc import Mapping
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

import tomllib
from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from atoll import UserError
from aviation_data.weeks import FIRST, LAST, WEEK, find_week

VARIABLE = "AVIATION_DATA_ARRIVALS"
LOCATION = "aviation_data"

Fault = Literal["incomplete", "corrupt"]


class Delivery(BaseModel):
    """One delivery of a week: when it arrives, by default on the day after the week, and what is wrong with it."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    week: date
    arrives: date
    fault: Fault | None = None

    @property
    def fingerprint(self) -> str:
        """What tells this delivery of a week from its others."""
        return f"{self.arrives} {self.fault or 'complete'}"

    @model_validator(mode="before")
    @classmethod
    def _arrive_by_default(cls, stated: Any) -> Any:
        if isinstance(stated, dict) and isinstance(stated.get("week"), date):
            return {"arrives": stated["week"] + WEEK, **stated}
        return stated

    @model_validator(mode="after")
    def _come_after_its_week(self) -> "Delivery":
        if self.week != find_week(self.week):
            raise ValueError(f"{self.week} is no week: weeks are the Sundays from {FIRST} to {LAST}")
        if self.arrives < self.week + WEEK:
            raise ValueError(f"{self.arrives} is before the week {self.week} has ended")
        return self


class _Plan(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    delivery: list[Delivery] = []

    @model_validator(mode="after")
    def _come_one_after_the_other(self) -> "_Plan":
        for first, second in pairwise(sorted(self.delivery, key=lambda delivery: (delivery.week, delivery.arrives))):
            if (first.week, first.arrives) == (second.week, second.arrives):
                raise ValueError(f"two deliveries of the week {first.week} arrive on {first.arrives}")
        return self


def find_plan() -> Path:
    """Find the plan: the file that the environment variable names, else the one of this package."""
    named = os.environ.get(VARIABLE)
    return Path(named) if named else Path(__file__).with_name("arrivals.toml")


def read_plan(path: Path) -> dict[date, list[Delivery]]:
    """Read a plan of arrivals.

    Returns:
        The deliveries of every week of the source, at least one each, in the order in which they arrive.

    Raises:
        UserError: The plan cannot be read, or says what cannot be.
    """
    try:
        stated = _Plan.model_validate(tomllib.loads(path.read_text(encoding="utf-8"))).delivery
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        why = ": ".join(filter(None, [where, first["msg"].removeprefix("Value error, ")]))
        raise UserError("The plan of arrivals is not valid.", f"{why}.", f"Correct it in {path}.") from None
    except (OSError, ValueError) as error:
        raise UserError(
            "The plan of arrivals cannot be read.",
            f"{error}.",
            f"Correct {path}, or unset {VARIABLE} to use the own plan.",
        ) from None
    weeks = [FIRST + number * WEEK for number in range((LAST - FIRST) // WEEK + 1)]
    plan = {week: [delivery for delivery in stated if delivery.week == week] for week in weeks}
    return {
        week: sorted(deliveries, key=lambda delivery: delivery.arrives) or [Delivery.model_validate({"week": week})]
        for week, deliveries in plan.items()
    }


def list_arrived(today: date, plan: Mapping[date, list[Delivery]] | None = None) -> list[Delivery]:
    """List the last delivery of each week of which one has arrived, by week.

    Args:
        today: The last day on which a delivery counts.
        plan: The plan, by default that of ``find_plan()``.
    """
    arrived = [
        [delivery for delivery in deliveries if delivery.arrives <= today]
        for deliveries in (plan or read_plan(find_plan())).values()
    ]
    return [deliveries[-1] for deliveries in arrived if deliveries]


def find_delivery(week: date, today: date, plan: Mapping[date, list[Delivery]] | None = None) -> Delivery:
    """Find the last delivery of a week that has arrived.

    Args:
        week: Its first day.
        today: The last day on which a delivery counts.
        plan: The plan, by default that of ``find_plan()``.

    Raises:
        UserError: None has arrived yet.
    """
    deliveries = (plan or read_plan(find_plan()))[week]
    arrived = [delivery for delivery in deliveries if delivery.arrives <= today]
    if arrived:
        return arrived[-1]
    arrives = deliveries[0].arrives
    last = find_week(arrives - date.resolution)
    raise UserError(
        f"The week {week} has not arrived.",
        f"It comes on {arrives}, and today is {today}.",
        f"Let time pass: ./atoll replay {LOCATION} --from {min(find_week(today), last)} --to {last}",
    )
