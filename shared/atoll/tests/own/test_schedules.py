from datetime import datetime, timedelta, timezone

import dagster as dg
import pytest

from atoll.automation.schedules import weekly_schedule

WEEKS = dg.WeeklyPartitionsDefinition(start_date="2012-12-30", end_date="2014-01-05", timezone="America/New_York")


@dg.asset(key_prefix="air", partitions_def=WEEKS)
def flights():
    return 1


@dg.asset(key_prefix="air", partitions_def=WEEKS, deps=[flights])
def rates():
    return 1


SCHEDULE = weekly_schedule("weekly", dg.AssetSelection.all(), "0 3 * * 1")
DEFS = dg.Definitions(assets=[flights, rates], schedules=[SCHEDULE], resources={"io_manager": dg.mem_io_manager})


@pytest.fixture
def instance(tmp_path):
    with dg.DagsterInstance.local_temp(str(tmp_path)) as instance:
        yield instance


@pytest.fixture
def tick(monkeypatch, instance):
    """Evaluate the schedule on a day; returns the weeks that it asks for."""

    def run(today):
        monkeypatch.setenv("ATOLL_TODAY", today)
        context = dg.build_schedule_context(instance=instance, repository_def=DEFS.get_repository_def())
        data = SCHEDULE.evaluate_tick(context)
        assert bool(data.run_requests) != bool(data.skip_message)
        return [request.partition_key for request in data.run_requests]

    return run


def make(instance, week, *assets):
    resources = {"io_manager": dg.mem_io_manager}
    dg.materialize(list(assets), partition_key=week, instance=instance, resources=resources, raise_on_error=False)


def test_weeks_that_have_ended_and_were_never_made_are_caught_up_in_order(tick):
    assert tick("2013-01-20") == ["2012-12-30", "2013-01-06", "2013-01-13"]


def test_a_week_that_goes_on_is_not_asked_for(tick):
    assert tick("2013-01-05") == []
    assert tick("2013-01-06") == ["2012-12-30"]


def test_a_week_that_has_ended_and_has_not_arrived_is_asked_for_when_it_has(monkeypatch, instance):
    arrived = {"2012-12-30"}
    schedule = weekly_schedule("on_arrival", dg.AssetSelection.all(), "0 3 * * 1", find=lambda: arrived)
    defs = dg.Definitions(assets=[flights, rates], schedules=[schedule], resources={"io_manager": dg.mem_io_manager})
    monkeypatch.setenv("ATOLL_TODAY", "2013-01-13")

    def ask():
        context = dg.build_schedule_context(instance=instance, repository_def=defs.get_repository_def())
        return schedule.evaluate_tick(context)

    assert [request.partition_key for request in ask().run_requests] == ["2012-12-30"]
    make(instance, "2012-12-30", flights, rates)
    assert ask().skip_message == "Every week that has ended was made or has not arrived."
    arrived.add("2013-01-06")
    assert [request.partition_key for request in ask().run_requests] == ["2013-01-06"]


def test_a_week_is_asked_for_when_what_it_reads_of_others_was_made(monkeypatch, instance):
    schedule = weekly_schedule("rates_alone", dg.AssetSelection.assets(rates), "0 3 * * 1")
    defs = dg.Definitions(assets=[flights, rates], schedules=[schedule], resources={"io_manager": dg.mem_io_manager})
    monkeypatch.setenv("ATOLL_TODAY", "2013-01-20")
    make(instance, "2013-01-06", flights)
    context = dg.build_schedule_context(instance=instance, repository_def=defs.get_repository_def())
    assert [request.partition_key for request in schedule.evaluate_tick(context).run_requests] == ["2013-01-06"]
    make(instance, "2013-01-06", rates)
    assert schedule.evaluate_tick(context).skip_message == "Every week that has ended was made or has not arrived."


def test_a_week_is_not_asked_for_while_a_blocking_check_of_what_it_reads_fails(monkeypatch, instance):
    passes = {"complete": False, "fresh": False}

    @dg.multi_asset_check(
        specs=[
            dg.AssetCheckSpec("complete", asset=flights, blocking=True, partitions_def=WEEKS),
            dg.AssetCheckSpec("fresh", asset=flights, partitions_def=WEEKS),
        ]
    )
    def checks():
        for name, passed in passes.items():
            yield dg.AssetCheckResult(passed=passed, check_name=name, asset_key=flights.key)

    schedule = weekly_schedule("rates_alone", dg.AssetSelection.assets(rates), "0 3 * * 1")
    defs = dg.Definitions(assets=[flights, rates], asset_checks=[checks], schedules=[schedule])
    monkeypatch.setenv("ATOLL_TODAY", "2013-01-20")
    context = dg.build_schedule_context(instance=instance, repository_def=defs.get_repository_def())
    make(instance, "2013-01-06", flights, checks)
    assert schedule.evaluate_tick(context).skip_message == (
        "Every week that has ended was made or has not arrived, or waits for a check: 2013-01-06."
    )
    make(instance, "2013-01-13", flights)
    assert [request.partition_key for request in schedule.evaluate_tick(context).run_requests] == ["2013-01-13"]
    passes["complete"] = True
    make(instance, "2013-01-06", flights, checks)
    assert schedule.evaluate_tick(context).run_requests[0].partition_key == "2013-01-06"


def test_what_was_made_is_not_asked_for_again(tick, instance):
    make(instance, "2012-12-30", flights, rates)
    assert tick("2013-01-20") == ["2013-01-06", "2013-01-13"]


def test_a_week_of_which_only_a_part_was_made_is_asked_for(tick, instance):
    make(instance, "2012-12-30", flights)
    assert tick("2013-01-06") == ["2012-12-30"]


def test_the_present_is_only_the_last_of_the_weeks(tick):
    assert tick("2026-11-21")[-1] == "2013-12-29"
    assert len(tick("2026-11-21")) == 53


def test_a_week_has_one_run_key_and_the_runs_go_one_after_the_other(monkeypatch, instance):
    monkeypatch.setenv("ATOLL_TODAY", "2013-01-06")
    context = dg.build_schedule_context(instance=instance, repository_def=DEFS.get_repository_def())
    (request,) = SCHEDULE.evaluate_tick(context).run_requests
    assert (request.run_key, request.tags["atoll/sequence"]) == ("sample:2012-12-30", "air")


def test_of_weeks_that_were_missed_only_the_last_is_asked_for_where_the_project_says_so(monkeypatch, instance):
    schedule = weekly_schedule(
        "newest", dg.AssetSelection.all(), "0 3 * * 1", missed="skip", find_tags=lambda: {"a": "b"}
    )
    defs = dg.Definitions(assets=[flights, rates], schedules=[schedule])
    monkeypatch.setenv("ATOLL_TODAY", "2013-01-20")
    context = dg.build_schedule_context(instance=instance, repository_def=defs.get_repository_def())
    (request,) = schedule.evaluate_tick(context).run_requests
    assert request.partition_key == "2013-01-13"
    assert request.tags["a"] == "b"


@pytest.mark.parametrize(("missed", "hours", "asked"), [("catch up", 30, 1), ("skip", 30, 0), ("skip", 0.5, 1)])
def test_a_tick_without_partitions_that_was_missed_is_caught_up_or_skipped(instance, missed, hours, asked):
    @dg.asset
    def model():
        return 1

    schedule = weekly_schedule("retraining", dg.AssetSelection.all(), "0 3 * * 1", missed=missed)
    context = dg.build_schedule_context(
        instance=instance,
        repository_def=dg.Definitions(assets=[model], schedules=[schedule]).get_repository_def(),
        scheduled_execution_time=datetime.now(timezone.utc) - timedelta(hours=hours),
    )
    assert len(schedule.evaluate_tick(context).run_requests) == asked
