from datetime import date, timedelta

import pytest

from aviation_data.defs.location import WEEKS
from aviation_data.weeks import FIRST, LAST, find_week, list_days


def test_the_first_and_the_last_week_are_those_of_the_partitions():
    keys = WEEKS.get_partition_keys()
    assert (keys[0], keys[-1], len(keys)) == (str(FIRST), str(LAST), 53)


def test_the_days_of_all_weeks_are_those_of_the_year():
    days = [day for key in WEEKS.get_partition_keys() for day in list_days(date.fromisoformat(key))]
    assert days == [date(2013, 1, 1) + timedelta(days=number) for number in range(365)]
    assert len(list_days(FIRST)) == 5 and len(list_days(LAST)) == 3


@pytest.mark.parametrize(
    ("day", "week"),
    [
        (date(2013, 3, 17), date(2013, 3, 17)),
        (date(2013, 3, 23), date(2013, 3, 17)),
        (date(2013, 3, 24), date(2013, 3, 24)),
        (date(2012, 1, 1), FIRST),
        (date(2026, 1, 1), LAST),
    ],
)
def test_a_day_is_in_the_week_of_the_sunday_before_it(day, week):
    assert find_week(day) == week
