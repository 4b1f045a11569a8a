from datetime import date, timedelta

import pytest

from atoll import UserError
from aviation_data.arrivals import VARIABLE, find_delivery, find_plan, list_arrived, read_plan
from aviation_data.weeks import FIRST, LAST

WEEKS_SHOWN = [date(2013, 3, 17) + number * timedelta(days=7) for number in range(8)]


@pytest.fixture
def own_plan(monkeypatch):
    monkeypatch.delenv(VARIABLE, raising=False)
    return read_plan(find_plan())


def arrivals(plan, week: date) -> list[tuple[date, str | None]]:
    return [(delivery.arrives, delivery.fault) for delivery in plan[week]]


def read_error(path) -> list[str]:
    with pytest.raises(UserError) as raised:
        read_plan(path)
    return str(raised.value).replace(str(path), "PLAN").splitlines()


def test_a_week_that_no_plan_names_arrives_whole_on_the_day_after_it(write_plan):
    plan = read_plan(write_plan(""))
    assert len(plan) == 53 and min(plan) == FIRST and max(plan) == LAST
    assert all(arrivals(plan, week) == [(week + timedelta(days=7), None)] for week in plan)


def test_on_the_day_on_which_this_repository_starts_eleven_weeks_have_arrived(own_plan):
    weeks = [delivery.week for delivery in list_arrived(date(2013, 3, 17), own_plan)]
    assert (weeks[0], weeks[-1], len(weeks)) == (date(2012, 12, 30), date(2013, 3, 10), 11)


def test_of_the_eight_weeks_that_are_shown_one_comes_late_and_one_is_corrected(own_plan):
    on_time = [week for week in WEEKS_SHOWN if arrivals(own_plan, week) == [(week + timedelta(days=7), None)]]
    assert set(WEEKS_SHOWN) - set(on_time) == {date(2013, 3, 24), date(2013, 4, 7)}
    assert arrivals(own_plan, date(2013, 3, 24)) == [(date(2013, 3, 31), "incomplete"), (date(2013, 4, 3), None)]
    assert arrivals(own_plan, date(2013, 4, 7)) == [(date(2013, 4, 24), None)]
    assert "corrupt" not in {delivery.fault for deliveries in own_plan.values() for delivery in deliveries}


def test_a_late_week_arrives_after_the_weeks_that_follow_it(own_plan):
    weeks = [
        [delivery.week for delivery in list_arrived(day, own_plan)] for day in (date(2013, 4, 23), date(2013, 4, 24))
    ]
    assert date(2013, 4, 14) in weeks[0] and date(2013, 4, 7) not in weeks[0]
    assert weeks[1] == sorted([*weeks[0], date(2013, 4, 7)])


def test_a_later_delivery_replaces_the_earlier_one_and_has_another_fingerprint(own_plan):
    week = date(2013, 3, 24)
    first, last = find_delivery(week, date(2013, 4, 2), own_plan), find_delivery(week, date(2013, 4, 3), own_plan)
    assert (first.fault, last.fault) == ("incomplete", None)
    assert (first.fingerprint, last.fingerprint) == ("2013-03-31 incomplete", "2013-04-03 complete")
    assert find_delivery(week, date(2014, 1, 1), own_plan) == last


def test_deliveries_count_in_the_order_in_which_they_arrive_not_in_which_they_are_written(write_plan):
    plan = read_plan(
        write_plan(
            "[[delivery]]\nweek = 2013-04-07\narrives = 2013-04-20\n"
            '[[delivery]]\nweek = 2013-04-07\narrives = 2013-04-15\nfault = "corrupt"\n'
        )
    )
    assert arrivals(plan, date(2013, 4, 7)) == [(date(2013, 4, 15), "corrupt"), (date(2013, 4, 20), None)]


@pytest.mark.parametrize(
    ("week", "today", "lines"),
    [
        (
            date(2013, 3, 17),
            date(2013, 3, 23),
            [
                "The week 2013-03-17 has not arrived.",
                "It comes on 2013-03-24, and today is 2013-03-23.",
                "Let time pass: ./atoll replay aviation_data --from 2013-03-17 --to 2013-03-17",
            ],
        ),
        (
            date(2013, 4, 7),
            date(2013, 4, 14),
            [
                "The week 2013-04-07 has not arrived.",
                "It comes on 2013-04-24, and today is 2013-04-14.",
                "Let time pass: ./atoll replay aviation_data --from 2013-04-14 --to 2013-04-21",
            ],
        ),
        (
            date(2013, 12, 29),
            date(2012, 1, 1),
            [
                "The week 2013-12-29 has not arrived.",
                "It comes on 2014-01-05, and today is 2012-01-01.",
                "Let time pass: ./atoll replay aviation_data --from 2012-12-30 --to 2013-12-29",
            ],
        ),
    ],
)
def test_a_week_that_has_not_arrived_is_said_to_come_and_how_to_get_there(own_plan, week, today, lines):
    with pytest.raises(UserError) as raised:
        find_delivery(week, today, own_plan)
    assert str(raised.value).splitlines() == lines


def test_the_environment_names_another_plan(monkeypatch, write_plan):
    path = write_plan("[[delivery]]\nweek = 2012-12-30\narrives = 2013-06-01\n")
    monkeypatch.setenv(VARIABLE, str(path))
    assert find_plan() == path
    assert FIRST not in [delivery.week for delivery in list_arrived(date(2013, 3, 17))]
    assert find_delivery(FIRST, date(2013, 6, 1)).arrives == date(2013, 6, 1)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (
            "week = 2013-04-08",
            "delivery.0: 2013-04-08 is no week: weeks are the Sundays from 2012-12-30 to 2013-12-29.",
        ),
        (
            "week = 2014-01-05",
            "delivery.0: 2014-01-05 is no week: weeks are the Sundays from 2012-12-30 to 2013-12-29.",
        ),
        ("week = 2013-04-07\narrives = 2013-04-13", "delivery.0: 2013-04-13 is before the week 2013-04-07 has ended."),
        (
            "week = 2013-04-07\n[[delivery]]\nweek = 2013-04-07",
            "two deliveries of the week 2013-04-07 arrive on 2013-04-14.",
        ),
        ('week = 2013-04-07\nfault = "lost"', "delivery.0.fault: Input should be 'incomplete' or 'corrupt'."),
        ("week = 2013-04-07\narrive = 2013-04-24", "delivery.0.arrive: Extra inputs are not permitted."),
        ('week = "2013-04-07"', "delivery.0.week: Input should be a valid date."),
        ("arrives = 2013-04-24", "delivery.0.week: Field required."),
    ],
)
def test_a_delivery_that_cannot_be_is_refused(write_plan, text, why):
    error = read_error(write_plan(f"[[delivery]]\n{text}\n"))
    assert error == ["The plan of arrivals is not valid.", why, "Correct it in PLAN."]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("[[deliveries]]\nweek = 2013-04-07\n", "deliveries: Extra inputs are not permitted."),
        ("delivery = 3\n", "delivery: Input should be a valid list."),
    ],
)
def test_a_plan_of_something_else_is_refused(write_plan, text, why):
    assert read_error(write_plan(text)) == ["The plan of arrivals is not valid.", why, "Correct it in PLAN."]


def test_a_plan_that_is_no_toml_is_refused(write_plan):
    assert read_error(write_plan("week: 2013-04-07\n")) == [
        "The plan of arrivals cannot be read.",
        "Expected '=' after a key in a key/value pair (at line 1, column 5).",
        f"Correct PLAN, or unset {VARIABLE} to use the own plan.",
    ]


def test_a_plan_that_is_not_there_is_named(tmp_path):
    assert read_error(tmp_path / "none.toml")[1] == "[Errno 2] No such file or directory: 'PLAN'."
