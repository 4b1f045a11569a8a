"""What a borrower may rely on, and what a lender may change."""

import pytest

from atoll_control.contracts import find_breaks

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
