"""Weeks of history: which there are, and what became of one in every code location."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from atoll_control.errors import UserError
from atoll_control.graphql import Key, Page

WEEK = timedelta(days=7)
# Partition keys by asset key, by code location.
Partitions = dict[str, dict[Key, list[str]]]


@dataclass(frozen=True)
class Outcome:
    """What became of one week in one code location: how many assets were made, and whether the last run failed."""

    week: str
    location: str
    made: int
    planned: int
    failed: bool

    @property
    def good(self) -> bool:
        """Whether everything was made and nothing failed."""
        return self.made == self.planned and not self.failed

    def __str__(self) -> str:
        """Say it in a few words."""
        return f"{self.made} of {self.planned}{', the last run failed' if self.failed else ''}"


def end_of_week(week: str) -> date:
    """Return the day on which a week has ended: that after its seven days."""
    return date.fromisoformat(week) + WEEK


def select_weeks(partitions: Partitions, location: str, first: str, last: str) -> list[str]:
    """Return the weeks of a location from the first to the last.

    Raises:
        UserError: one of the two is not a week of it, or they are in the wrong order.
    """
    known = sorted({key for keys in partitions.get(location, {}).values() for key in keys})
    for week in (first, last):
        if week not in known:
            raise UserError(
                f"{location} has no week {week}.",
                f"its weeks are {known[0]} to {known[-1]}, each named by its first day." if known else "it has none.",
                "name one of those.",
            )
    if first > last:
        cure = f"swap them: --from {last} --to {first}"
        raise UserError("there is no week to replay.", f"{first} is after {last}.", cure)
    return [week for week in known if first <= week <= last]


def find_outcomes(page: Page, partitions: Partitions, weeks: Sequence[str]) -> Iterator[Outcome]:
    """Look up what became of the weeks, in every location that has one of them."""
    weekly = [key for assets in partitions.values() for key, keys in assets.items() if not set(weeks).isdisjoint(keys)]
    made = page.made(weekly, weeks)
    for location, assets in sorted(partitions.items()):
        for week in weeks:
            planned = [key for key, keys in assets.items() if week in keys]
            done = sum(week in made[key] for key in planned)
            if planned:
                last = page.last_status({"dagster/code_location": location, "dagster/partition": week})
                yield Outcome(week, location, done, len(planned), last == "FAILURE")
