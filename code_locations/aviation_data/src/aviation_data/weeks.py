"""Weeks from Sunday to Saturday, New York time, each named by its Sunday; the source has those of the year 2013."""

from datetime import date, timedelta

WEEK = timedelta(days=7)
FIRST = date(2012, 12, 30)
LAST = date(2013, 12, 29)
YEAR = 2013


def list_days(week: date) -> list[date]:
    """List the days of a week that the source has: seven, but five of the first and three of the last."""
    return [day for day in (week + timedelta(days=number) for number in range(7)) if day.year == YEAR]


def find_week(day: date) -> date:
    """Find the week that a day is in; of a day before or after all of them the first or the last."""
    sunday = day - timedelta(days=day.isoweekday() % 7)
    return min(max(sunday, FIRST), LAST)
