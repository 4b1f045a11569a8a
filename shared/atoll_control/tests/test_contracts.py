"""What a borrower may rely on, and what a lender may change."""

import pytest

from atoll_control.contracts import find_breaks, find_missing_contracts
from atoll_control.files import write_atomically
from atoll_control.projects import discover_projects

WEEKS = {
    "start": "2012-12-30",
    "end": "2014-01-05",
    "format": "%Y-%m-%d",
    "cron_schedule": "0 0 * * 0",
    "timezone": "UTC",
}
HELD = {
    "asset": "air/flights",
    "description": "Flights.",
    "owners": ["team:data"],
    "columns": {"carrier": "large_string", "delay": "double"},
    "partitions": WEEKS,
    "freshness": {"warn": 10.0, "fail": 20.0},
}


def breaks(held=HELD, **now):
    return list(find_breaks(held, {**held, **now}))


@pytest.mark.parametrize(
    "now",
    [
        {},
        {"description": "Other words.", "owners": ["team:other"]},
        {"columns": {"delay": "double", "carrier": "large_string", "more": "bool"}},
        {"partitions": {**WEEKS, "start": "2012-01-01", "end": "2015-01-04"}},
        {"partitions": {**WEEKS, "end": None}},
        {"freshness": {"warn": 5.0, "fail": 10.0}},
    ],
)
def test_what_is_added_breaks_nothing(now):
    assert breaks(**now) == []


@pytest.mark.parametrize(
    ("now", "text"),
    [
        ({"columns": {"carrier": "large_string"}}, "column `delay` is gone"),
        ({"columns": {"carrier": "large_string", "delay": "int64"}}, "column `delay` is int64, not double"),
        ({"partitions": None}, "its partitions have changed"),
        ({"partitions": {**WEEKS, "cron_schedule": "0 0 * * *"}}, "its partitions have changed"),
        ({"partitions": {"keys": ["a"]}}, "its partitions have changed"),
        ({"partitions": {**WEEKS, "start": "2013-01-06"}}, "its partitions begin at 2013-01-06, not at 2012-12-30"),
        ({"partitions": {**WEEKS, "end": "2013-12-29"}}, "its partitions end at 2013-12-29, not at 2014-01-05"),
        ({"freshness": None}, "it promises to be fresh later than before"),
        ({"freshness": {"warn": 10.0, "fail": 30.0}}, "it promises to be fresh later than before"),
    ],
)
def test_what_is_taken_away_breaks_the_contract(now, text):
    assert breaks(**now) == [text]


def test_a_static_partition_that_is_gone_breaks_the_contract():
    held = {**HELD, "partitions": {"keys": ["a", "b"]}}
    assert breaks(held, partitions={"keys": ["a", "b", "c"]}) == []
    assert breaks(held, partitions={"keys": ["a"]}) == ["partitions are gone: b"]


def test_an_asset_that_gets_partitions_breaks_the_contract():
    assert breaks({**HELD, "partitions": None}, partitions=WEEKS) == ["its partitions have changed"]


def test_a_contract_that_the_lender_does_not_say_is_told_by_who_takes_it(checkout, add_project):
    for name, line in {"air": 'lends = ["flights"]', "late": 'takes = ["air/flights", "air/ships"]'}.items():
        manifest = add_project(name) / "pyproject.toml"
        manifest.write_text(f"{manifest.read_text()}{line}\n")
    projects = discover_projects(checkout)
    assert [project.problem for project in projects] == [None, None]
    late = [project for project in projects if project.name == "late"]
    lent, gone = find_missing_contracts(projects, late)
    assert lent.what == "late has no contract for air/flights."
    assert lent.why.startswith("air, which lends it, does not say one")
    assert lent.how == "./atoll sync air late; ./atoll check says more"
    assert gone.what == "late takes air/ships, which is not lent."
    write_atomically(late[0].source / "late" / "contracts" / "air" / "flights.json", "{}")
    assert [problem.what for problem in find_missing_contracts(projects, late)] == [gone.what]
