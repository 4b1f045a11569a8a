from collections.abc import Iterable, Mapping
from datetime import date

import pytest

from atoll_control.errors import UserError
from atoll_control.weeks import Outcome, Partitions, end_of_week, find_outcomes, select_weeks

WEEKS = ["2013-03-03", "2013-03-10", "2013-03-17"]
PARTITIONS: Partitions = {
    "lakes": {("lakes", "whole"): []},
    "birds": {("birds", "late"): WEEKS[1:], ("birds", "seen"): WEEKS},
    "ants": {("ants", "seen"): WEEKS[:1]},
}


class PageStandIn:
    """Stands in for the page: all was made but what the birds had late, and the ants' last run failed."""

    def made(self, keys: Iterable[tuple[str, ...]], partitions: Iterable[str]) -> dict[tuple[str, ...], set[str]]:
        assert set(keys) == {("birds", "late"), ("birds", "seen"), ("ants", "seen")}
        return {key: set() if key[1] == "late" else set(partitions) for key in keys}

    def last_status(self, tags: Mapping[str, str]) -> str | None:
        failed = tags == {"dagster/code_location": "ants", "dagster/partition": WEEKS[0]}
        return "FAILURE" if failed else None


def test_outcomes_are_told_for_each_location_that_has_the_week():
    found = list(find_outcomes(PageStandIn(), PARTITIONS, WEEKS[:2]))  # ty: ignore[invalid-argument-type]
    assert found == [
        Outcome(WEEKS[0], "ants", 1, 1, failed=True),
        Outcome(WEEKS[0], "birds", 1, 1, failed=False),
        Outcome(WEEKS[1], "birds", 1, 2, failed=False),
    ]
    assert [outcome.good for outcome in found] == [False, True, False]
    assert [str(outcome) for outcome in found] == ["1 of 1, the last run failed", "1 of 1", "1 of 2"]


def test_weeks_are_those_from_the_first_to_the_last():
    assert select_weeks(PARTITIONS, "birds", *WEEKS[:2]) == WEEKS[:2]
    assert end_of_week(WEEKS[0]) == date(2013, 3, 10)


@pytest.mark.parametrize(
    ("arguments", "what", "how"),
    [
        (("birds", WEEKS[0], "2013-03-04"), "birds has no week 2013-03-04.", "name one of those."),
        (("lakes", *WEEKS[:2]), "lakes has no week 2013-03-03.", "name one of those."),
        (
            ("birds", WEEKS[1], WEEKS[0]),
            "there is no week to replay.",
            "swap them: --from 2013-03-03 --to 2013-03-10",
        ),
    ],
)
def test_weeks_that_there_are_not_are_explained(arguments, what, how):
    with pytest.raises(UserError) as caught:
        select_weeks(PARTITIONS, *arguments)
    assert (caught.value.what, caught.value.how) == (what, how)
