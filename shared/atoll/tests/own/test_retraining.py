"""What asks for a retraining, by Dagster's own events; the daemon's ticks are in the platform's tests."""

from typing import Any

import dagster as dg
import pytest

from atoll import UserError
from atoll.automation.retraining import Retraining, retraining

WEEKS = dg.WeeklyPartitionsDefinition(start_date="2013-03-03", end_date="2013-05-05")
FIRST, SECOND, THIRD = WEEKS.get_partition_keys()[:3]
# What the next materialization finds.
FIRST_LOOK = {
    "content": "1",
    "profile": "sample",
    "drift": True,
    "complete": True,
    "trains": True,
    "meanwhile": lambda: None,
}
FOUND: dict[str, Any] = {}
RESOURCES = {"io_manager": dg.mem_io_manager}


def define(weeks, location):
    """Data with a blocking check, drift beside it, and a model; with weekly partitions, or none."""

    @dg.asset(key_prefix=location, partitions_def=weeks)
    def data():
        version = dg.DataVersion(FOUND["content"])
        return dg.MaterializeResult(value=1, data_version=version, metadata={"profile": FOUND["profile"]})

    @dg.asset_check(asset=data, blocking=True, partitions_def=weeks)
    def complete():
        if FOUND["complete"] is None:
            raise RuntimeError("no memory")
        return dg.AssetCheckResult(passed=FOUND["complete"])

    @dg.asset(key_prefix=location, partitions_def=weeks, deps=[data])
    def drift():
        return 1

    @dg.asset_check(asset=drift, name="drift", partitions_def=weeks)
    def no_drift():
        return dg.AssetCheckResult(passed=FOUND["drift"], severity=dg.AssetCheckSeverity.WARN)

    @dg.asset(key_prefix=location, partitions_def=weeks, deps=[data])
    def model():
        FOUND["meanwhile"]()
        if not FOUND["trains"]:
            raise RuntimeError("no memory")
        return 1

    @dg.asset(key_prefix=location, partitions_def=weeks, deps=[model])
    def champion():
        return 1

    @dg.asset_check(asset=champion, name="decay", partitions_def=weeks)
    def no_decay():
        return dg.AssetCheckResult(passed=False, severity=dg.AssetCheckSeverity.WARN)

    return {
        "data": data,
        "complete": complete,
        "drift": drift,
        "no_drift": no_drift,
        "model": model,
        "champion": champion,
        "no_decay": no_decay,
    }


class Platform:
    """A code location with its instance, whose sensor is asked by hand."""

    def __init__(self, instance, weeks, location="delays", **options):
        watched = {"new_data": [f"{location}/data"], "failed_checks": [f"{location}/drift:drift"]}
        self.instance, self.made = instance, define(weeks, location)
        model = f"{location}/model"
        schedule, self.sensor = retraining(
            "retraining", model, dg.AssetSelection.assets(model), "0 3 * * 1", **(watched | options)
        )
        assets = [found for found in self.made.values() if not isinstance(found, dg.AssetChecksDefinition)]
        checks = [found for found in self.made.values() if isinstance(found, dg.AssetChecksDefinition)]
        self.defs = dg.Definitions(
            assets=assets, asset_checks=checks, sensors=[self.sensor], schedules=[schedule], resources=RESOURCES
        )

    def make(self, *names, week=None, tags=None):
        return dg.materialize(
            [self.made[name] for name in names],
            partition_key=week,
            instance=self.instance,
            tags=tags or {},
            resources=RESOURCES,
            raise_on_error=False,
        )

    def ask(self):
        context = dg.build_sensor_context(instance=self.instance, repository_def=self.defs.get_repository_def())
        return self.sensor.evaluate_tick(context)

    def train(self):
        """Do what the sensor asks for, as the daemon does; returns weeks and reasons."""
        found = []
        for request in self.ask().run_requests:
            tags = {**request.tags, "dagster/run_key": request.run_key}
            self.make("model", week=request.partition_key, tags=tags)
            found.append((request.partition_key, request.tags["atoll/reason"]))
        return found


@pytest.fixture(autouse=True)
def fresh(store_folder, monkeypatch):
    FOUND.update(FIRST_LOOK)
    monkeypatch.setenv("ATOLL_TODAY", "2013-03-20")


def test_new_data_trains_once_and_the_same_data_again_does_not(instance):
    platform = Platform(instance, None)
    assert platform.train() == []
    platform.make("data", "complete")
    assert platform.train() == [(None, "new data: delays/data")]
    platform.make("data", "complete")
    assert platform.train() == []
    FOUND["content"] = "2"
    platform.make("data", "complete")
    assert platform.train() == [(None, "new data: delays/data")]
    assert platform.ask().skip_message == "There is no reason."


def test_data_whose_blocking_check_failed_is_no_reason(instance):
    platform = Platform(instance, None)
    FOUND["complete"] = False
    platform.make("data", "complete")
    assert platform.train() == []


def test_a_failed_check_trains_until_the_model_is_newer(instance):
    platform = Platform(instance, None, new_data=[])
    platform.make("data", "drift", "no_drift", "model")
    assert platform.train() == []
    platform.make("drift", "no_drift")
    assert platform.train() == []
    FOUND["drift"] = False
    platform.make("drift", "no_drift")
    assert platform.train() == [(None, "drift: delays/drift")]
    assert platform.train() == []


def test_what_was_made_in_the_run_of_the_model_is_no_reason_to_train_it_again(instance):
    platform = Platform(instance, None, failed_checks=["delays/champion:decay"])
    platform.make("data", "complete", "model", "champion", "no_decay")
    assert platform.train() == []
    platform.make("champion", "no_decay")
    assert platform.train() == [(None, "decay: delays/champion")]


def test_data_that_arrived_while_the_model_was_trained_are_a_reason(instance, monkeypatch):
    platform = Platform(instance, None)
    platform.make("data", "complete")

    def arrive():
        FOUND.update(content="2", meanwhile=lambda: None)
        platform.make("data", "complete")

    FOUND["meanwhile"] = arrive
    assert platform.train() == [(None, "new data: delays/data")]
    assert platform.train() == [(None, "new data: delays/data")]
    assert platform.train() == []


def test_what_was_made_in_another_profile_is_no_reason(instance, monkeypatch):
    platform = Platform(instance, None)
    FOUND["profile"] = "full"
    platform.make("data", "complete")
    assert platform.train() == []


@pytest.mark.parametrize(
    ("options", "what", "how"),
    [
        ({"cool_down_days": -3}, "`cool_down_days` of a retraining is not valid.", "a number of days, 0 for none."),
        ({"limit": 0}, "`limit` of a retraining is not valid.", "a number of at least 1, or nothing."),
        ({"missed": "never"}, "`missed` of a retraining is not valid.", "one of catch up, skip."),
    ],
)
def test_a_rule_that_cannot_be_is_explained(options, what, how):
    with pytest.raises(UserError) as caught:
        retraining("retraining", "a/model", dg.AssetSelection.all(), "0 3 * * 1", **options)
    assert caught.value.what == what
    assert caught.value.how == f"Correct it where retraining is defined: it must be {how}"


def test_each_week_is_trained_for_its_own_reasons_in_order(instance):
    platform = Platform(instance, WEEKS)
    platform.make("data", "complete", "drift", "no_drift", week=SECOND)
    FOUND["drift"] = False
    platform.make("data", "complete", "drift", "no_drift", week=FIRST)
    both = "new data: delays/data, drift: delays/drift"
    assert platform.train() == [(FIRST, both), (SECOND, "new data: delays/data")]
    assert platform.train() == []


def test_of_weeks_that_were_missed_only_the_last_is_trained_where_the_project_says_so(instance):
    platform = Platform(instance, WEEKS, missed="skip")
    for week in (FIRST, SECOND):
        platform.make("data", "complete", week=week)
    assert platform.train() == [(SECOND, "new data: delays/data")]


def test_a_training_that_failed_is_not_asked_for_again_for_the_same_reason(instance):
    platform = Platform(instance, None)
    FOUND["trains"] = False
    platform.make("data", "complete")
    assert len(platform.train()) == 1
    assert platform.ask().skip_message == "There is no reason that was not asked for."
    platform.make("data", "complete")
    assert len(platform.train()) == 1


def test_it_waits_while_a_run_of_the_week_goes_on(instance):
    platform = Platform(instance, WEEKS)
    platform.make("data", "complete", week=FIRST)
    platform.make("data", "complete", week=SECOND)
    tags = {"dagster/partition": FIRST, "dagster/code_location": "delays"}
    instance.add_run(dg.DagsterRun("going", status=dg.DagsterRunStatus.STARTED, tags=tags))
    assert platform.train() == [(SECOND, "new data: delays/data")]


def test_triggers_wait_for_the_cool_down_and_the_schedule_counts(instance, monkeypatch):
    platform = Platform(instance, None, cool_down_days=7)
    tags = {"atoll/retraining": "delays/model", "atoll/day": "2013-03-18", "atoll/profile": "sample"}
    instance.add_run(dg.DagsterRun("scheduled", tags=tags))
    platform.make("data", "complete")
    assert platform.ask().skip_message == (
        "The last retraining was asked for on 2013-03-18; triggers wait for 7 days. "
        "There is a reason: new data: delays/data."
    )
    monkeypatch.setenv("ATOLL_TODAY", "2013-03-25")
    assert len(platform.train()) == 1


def test_a_retraining_on_a_day_that_has_not_come_yet_holds_nothing_up(instance):
    """As after a replay that was begun anew."""
    platform = Platform(instance, None, cool_down_days=7)
    tags = {"atoll/retraining": "delays/model", "atoll/day": "2013-06-01", "atoll/profile": "sample"}
    instance.add_run(dg.DagsterRun("earlier replay", tags=tags))
    platform.make("data", "complete")
    assert len(platform.train()) == 1


def test_what_another_project_calls_the_same_does_not_count(instance):
    platforms = [Platform(instance, None, location, cool_down_days=7, limit=1) for location in ("delays", "prices")]
    for platform in platforms:
        platform.make("data", "complete")
    reasons = [platform.train() for platform in platforms]
    assert reasons == [[(None, "new data: delays/data")], [(None, "new data: prices/data")]]


def test_data_whose_blocking_check_crashed_are_no_reason(instance):
    platform = Platform(instance, None)
    FOUND["complete"] = None
    platform.make("data", "complete")
    assert platform.train() == []


def test_of_several_weeks_one_is_trained_in_a_cool_down(instance, monkeypatch):
    platform = Platform(instance, WEEKS, cool_down_days=1)
    for week in (FIRST, SECOND):
        platform.make("data", "complete", week=week)
    assert [week for week, _ in platform.train()] == [FIRST]
    assert platform.train() == []
    monkeypatch.setenv("ATOLL_TODAY", "2013-03-21")
    assert [week for week, _ in platform.train()] == [SECOND]


def test_a_week_that_cannot_be_trained_does_not_hold_up_the_next(instance, monkeypatch):
    platform = Platform(instance, WEEKS, cool_down_days=1)
    FOUND["trains"] = False
    for week in (FIRST, SECOND):
        platform.make("data", "complete", week=week)
    assert [week for week, _ in platform.train()] == [FIRST]
    monkeypatch.setenv("ATOLL_TODAY", "2013-03-21")
    assert [week for week, _ in platform.train()] == [SECOND]


def test_triggers_stop_at_the_limit(instance, monkeypatch):
    platform = Platform(instance, WEEKS, limit=2)
    for week in (FIRST, SECOND, THIRD):
        platform.make("data", "complete", week=week)
    assert [week for week, _ in platform.train()] == [FIRST, SECOND]
    assert platform.ask().skip_message == (
        "There were 2 retrainings in thirty days, and the limit is 2. "
        f"There is a reason: new data: delays/data of {THIRD}."
    )
    monkeypatch.setenv("ATOLL_TODAY", "2013-04-19")
    assert [week for week, _ in platform.train()] == [THIRD]


@pytest.mark.parametrize(
    ("options", "what", "why"),
    [
        ({"new_data": ["delays/date"]}, "There is no asset delays/date to train or to watch.",
         "There are: delays/champion, delays/data, delays/drift, delays/model."),
        ({"failed_checks": ["delays/drift:drfit"]}, "delays/drift has no check `drfit`.", "It has: drift."),
    ],
)  # fmt: skip
def test_what_is_not_there_cannot_be_watched(instance, options, what, why):
    with pytest.raises(UserError) as caught:
        Platform(instance, WEEKS, **options).ask()
    assert (caught.value.what, caught.value.why) == (what, why)
    assert caught.value.how == "Name another one where retraining is defined."


def test_a_check_is_named_with_its_asset():
    with pytest.raises(UserError) as caught:
        retraining("retraining", "a/model", dg.AssetSelection.all(), "0 3 * * 1", failed_checks=["drift"])
    assert caught.value.what == "`drift` is not the name of an asset check."


def test_the_component_is_the_same_from_a_file():
    component = Retraining.resolve_from_yaml(
        """
        name: retraining
        trains: delays/model
        target: key:"delays/model"
        cron_schedule: 0 3 * * 1
        new_data: [delays/data]
        cool_down_days: 3
        missed: skip
        """
    )
    defs = component.build_defs(dg.ComponentTree.for_test().load_context)
    assert [schedule.name for schedule in defs.schedules] == ["retraining"]
    assert [sensor.name for sensor in defs.sensors] == ["retraining_triggers"]
    assert defs.sensors[0].description == "Trains delays/model again for: new data: delays/data."
