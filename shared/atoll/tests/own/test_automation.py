"""What the conditions ask for, evaluated as the daemon does."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import dagster as dg
import pytest

from atoll.automation.conditions import (
    along_with,
    at_rest,
    automation_sensor,
    has_conditions,
    on_any_update,
    on_update,
    on_week_of,
)

WEEKS = dg.WeeklyPartitionsDefinition(start_date="2012-12-30", end_date="2013-02-24", timezone="America/New_York")
LATER = dg.WeeklyPartitionsDefinition(start_date="2013-01-13", end_date="2013-02-24", timezone="America/New_York")
ONE_BEFORE = dg.TimeWindowPartitionMapping(start_offset=-1, end_offset=-1, allow_nonexistent_upstream_partitions=True)
TWO_BEFORE = dg.TimeWindowPartitionMapping(start_offset=-2, end_offset=-1, allow_nonexistent_upstream_partitions=True)
CORRUPT: set[str] = set()
MEANWHILE: dict[str, Callable[[], object]] = {}


@dg.asset(key_prefix="air", partitions_def=WEEKS)
def flights():
    pass


@dg.asset_check(asset=flights, blocking=True, partitions_def=WEEKS)
def whole(context):
    return dg.AssetCheckResult(passed=context.partition_key not in CORRUPT)


@dg.asset(key_prefix="air")
def planes():
    pass


@dg.asset(
    key_prefix="delays",
    partitions_def=WEEKS,
    deps=[flights, planes],
    automation_condition=on_update(ignore=["air/planes"]),
)
def features():
    pass


@dg.asset(key_prefix="delays", partitions_def=WEEKS, deps=[flights], automation_condition=on_update())
def labels():
    MEANWHILE.get("labels", lambda: None)()


@dg.asset_check(asset=features, blocking=True, partitions_def=WEEKS)
def sensible(context):
    return dg.AssetCheckResult(passed=True)


@dg.asset(key_prefix="delays", partitions_def=WEEKS, deps=[features, flights], automation_condition=on_update())
def examples():
    pass


@dg.asset(
    key_prefix="delays",
    partitions_def=LATER,
    deps=[dg.AssetDep(examples, partition_mapping=TWO_BEFORE)],
    automation_condition=on_week_of("delays/features"),
)
def training_set():
    pass


@dg.asset(
    key_prefix="delays",
    partitions_def=LATER,
    deps=[training_set],
    automation_condition=on_update() & at_rest("delays/features", "delays/labels"),
)
def model():
    pass


@dg.asset_check(asset=model, partitions_def=LATER)
def gate(context):
    MEANWHILE.get("gate", lambda: None)()
    return dg.AssetCheckResult(passed=False, severity=dg.AssetCheckSeverity.WARN)


@dg.asset(
    key_prefix="delays",
    partitions_def=LATER,
    deps=[dg.AssetDep(model, partition_mapping=ONE_BEFORE)],
    automation_condition=along_with("delays/training_set"),
)
def champion():
    pass


ALL_WEEKS = dg.AllPartitionMapping()


@dg.asset(
    key_prefix="delays",
    deps=[dg.AssetDep(model, partition_mapping=ALL_WEEKS), dg.AssetDep(champion, partition_mapping=ALL_WEEKS)],
    automation_condition=on_any_update(checked=["delays/model"]),
)
def year():
    pass


DEFS = dg.Definitions(
    assets=[flights, planes, features, labels, examples, training_set, model, champion, year],
    asset_checks=[whole, sensible, gate],
    resources={"io_manager": dg.mem_io_manager},
)


class Daemon:
    """Looks at the conditions, and makes what they ask for."""

    def __init__(self, instance):
        self.instance = instance
        self.cursor = None

    def look(self):
        """Return what is asked for now, by partition: names of assets."""
        # In a thread, as the daemon does: in the main one asyncio's SIGINT handler costs a repr of all conditions.
        with ThreadPoolExecutor(1) as pool:
            result = pool.submit(dg.evaluate_automation_conditions, DEFS, self.instance, cursor=self.cursor).result()
        self.cursor = result.cursor
        asked: dict[str | None, set[str]] = {}
        for entry in result.results:
            if entry.true_subset.is_empty:
                continue
            subset = entry.true_subset
            keys = [None] if entry.key == year.key else subset.expensively_compute_partition_keys()
            for key in keys:
                asked.setdefault(key, set()).add(entry.key.path[-1])
        return {key: sorted(names) for key, names in sorted(asked.items(), key=str)}

    def make(self, partition, *names):
        selection = [dg.AssetKey(["air" if name in ("flights", "planes") else "delays", name]) for name in names]
        job = DEFS.resolve_implicit_global_asset_job_def()
        job.execute_in_process(
            instance=self.instance, asset_selection=selection, partition_key=partition, raise_on_error=False
        )

    def rest(self):
        """Make what is asked for until nothing is; return all of it, in order."""
        asked = []
        while found := self.look():
            for partition, names in found.items():
                asked.append((partition, names))
                self.make(partition, *names)
        return asked


@pytest.fixture
def daemon():
    CORRUPT.clear()
    with dg.DagsterInstance.ephemeral() as instance:
        found = Daemon(instance)
        found.make(None, "planes")
        yield found


LEARNT = ["champion", "model", "training_set"]
SEEN = ["examples", "features", "labels"]


def test_a_week_upstream_is_a_week_downstream_once(daemon):
    assert daemon.rest() == []
    daemon.make("2012-12-30", "flights")
    assert daemon.rest() == [("2012-12-30", SEEN)]
    daemon.make("2013-01-13", "flights")
    assert daemon.rest() == [("2013-01-13", SEEN), ("2013-01-13", LEARNT), (None, ["year"])]
    assert daemon.rest() == []


def test_a_late_week_and_a_corrected_one_are_made_alone(daemon):
    for week in ("2013-01-13", "2013-01-27", "2013-02-03"):
        daemon.look()
        daemon.make(week, "flights")
        daemon.rest()
    daemon.make("2013-01-20", "flights")
    assert daemon.rest() == [("2013-01-20", SEEN), ("2013-01-20", LEARNT), (None, ["year"])]
    daemon.make("2013-01-27", "flights")
    assert daemon.rest() == [("2013-01-27", SEEN), ("2013-01-27", LEARNT), (None, ["year"])]


def test_a_week_whose_check_failed_stops_there_also_after_later_weeks_passed(daemon):
    daemon.look()
    CORRUPT.add("2013-01-13")
    daemon.make("2013-01-13", "flights")
    assert daemon.rest() == []
    daemon.make("2013-01-20", "flights")
    assert [week for week, _ in daemon.rest()] == ["2013-01-20", "2013-01-20", None]
    CORRUPT.clear()
    daemon.make("2013-01-13", "flights")
    assert [week for week, _ in daemon.rest()] == ["2013-01-13", "2013-01-13", None]


def test_what_was_there_before_the_first_look_is_caught_up(daemon):
    daemon.make("2012-12-30", "flights")
    daemon.make("2013-01-13", "flights")
    assert [week for week, _ in daemon.rest()] == ["2012-12-30", "2013-01-13", "2013-01-13", None]


def test_a_state_that_was_lost_asks_for_nothing_that_is_there(daemon):
    daemon.look()
    daemon.make("2013-01-13", "flights")
    daemon.rest()
    daemon.make("2013-01-20", "flights")
    daemon.cursor = None
    assert [week for week, _ in daemon.rest()] == ["2013-01-20", "2013-01-20", None]


def test_what_fails_is_not_asked_for_again(daemon):
    daemon.look()
    daemon.make("2012-12-30", "flights")
    assert daemon.look() == {"2012-12-30": SEEN}
    assert daemon.look() == {}


def test_a_table_of_reference_that_is_ignored_is_waited_for_and_is_no_reason():
    with dg.DagsterInstance.ephemeral() as instance:
        daemon = Daemon(instance)
        daemon.make("2012-12-30", "flights")
        assert daemon.rest() == [("2012-12-30", ["labels"])]
        daemon.make(None, "planes")
        assert daemon.rest() == [("2012-12-30", ["examples", "features"])]
        daemon.make(None, "planes")
        assert daemon.rest() == []


def test_a_model_waits_while_an_asset_that_it_does_not_read_is_being_made(daemon, monkeypatch):
    week = "2013-01-13"
    seen = []
    monkeypatch.setitem(MEANWHILE, "labels", lambda: (daemon.make(week, "training_set"), seen.append(daemon.look())))
    daemon.look()
    daemon.make(week, "labels")
    assert [names for look in seen for names in look.values() if "model" in names] == []
    assert daemon.look()[week] == ["model"]


def test_a_champion_comes_with_its_week_and_not_with_the_model_of_the_week_before(daemon):
    daemon.look()
    daemon.make("2013-01-13", "flights")
    daemon.rest()
    daemon.make("2013-01-13", "model")
    assert daemon.rest() == [(None, ["year"])]
    daemon.make("2013-01-27", "flights")
    assert daemon.rest() == [("2013-01-27", SEEN), ("2013-01-27", LEARNT), (None, ["year"])]


def test_a_champion_is_caught_up_where_the_training_set_was_made_without_it(daemon):
    daemon.look()
    for week in ("2013-01-13", "2013-01-20"):
        daemon.make(week, "flights")
        daemon.make(week, *SEEN)
        daemon.make(week, "training_set", "model")
    daemon.make("2013-01-20", "champion")
    assert daemon.rest() == [("2013-01-13", ["champion"]), (None, ["year"])]
    assert daemon.rest() == []


def test_a_summary_waits_for_the_check_of_a_model_and_is_made_when_it_has_looked(daemon, monkeypatch):
    daemon.look()
    daemon.make("2013-01-13", "flights")
    daemon.rest()
    seen = []
    monkeypatch.setitem(MEANWHILE, "gate", lambda: seen.append(daemon.look()))
    daemon.make("2013-01-13", "model")
    assert seen == [{}]
    assert daemon.look() == {None: ["year"]}


def test_the_sensor_makes_runs_one_after_the_other():
    sensor = automation_sensor("delays", running=True, interval=7)
    assert sensor.run_tags == {"atoll/sequence": "delays"}
    assert (sensor.default_status, sensor.minimum_interval_seconds) == (dg.DefaultSensorStatus.RUNNING, 7)
    assert not sensor.emit_backfills


def test_a_location_without_conditions_needs_no_sensor():
    assert has_conditions(DEFS)
    assert not has_conditions(dg.Definitions(assets=[flights]))
