import dagster as dg
import pytest

from atoll.automation.arrivals import arrival_sensor

WEEKS = dg.StaticPartitionsDefinition(["2013-01-06", "2013-01-13", "2013-01-20"])


@dg.asset(key_prefix="air", partitions_def=WEEKS)
def flights():
    return 1


@dg.asset(key_prefix="air")
def airlines():
    return 1


class Source:
    """What has arrived; a test adds to it."""

    def __init__(self, **arrived):
        self.arrived = arrived

    def look(self):
        return self.arrived


@pytest.fixture
def look(monkeypatch):
    """Evaluate the sensor once; returns its run requests, as (run key, partition)."""
    cursors = {}

    def run(source, target=flights, profile="sample"):
        monkeypatch.setenv("ATOLL_PROFILE", profile)
        sensor = arrival_sensor("new_weeks", dg.AssetSelection.assets(target), source.look)
        defs = dg.Definitions(assets=[flights, airlines], sensors=[sensor])
        context = dg.build_sensor_context(
            cursor=cursors.get("now"), definitions=defs, instance=dg.DagsterInstance.ephemeral()
        )
        result = sensor.evaluate_tick(context)
        cursors["now"] = result.cursor
        assert bool(result.run_requests) != bool(result.skip_message)
        return [(request.run_key, request.partition_key) for request in result.run_requests]

    return run


def test_what_has_arrived_is_asked_for_once_and_in_order(look):
    source = Source(**{"2013-01-06": "a", "2013-01-13": "b"})
    assert look(source) == [("sample:2013-01-06:a", "2013-01-06"), ("sample:2013-01-13:b", "2013-01-13")]
    assert look(source) == []


def test_a_late_week_and_a_corrected_one_are_asked_for(look):
    source = Source(**{"2013-01-06": "a", "2013-01-20": "c"})
    look(source)
    source.arrived = {"2013-01-06": "corrected", "2013-01-13": "late", "2013-01-20": "c"}
    assert look(source) == [("sample:2013-01-06:corrected", "2013-01-06"), ("sample:2013-01-13:late", "2013-01-13")]


def test_each_profile_has_what_arrived_once(look):
    source = Source(**{"2013-01-06": "a"})
    assert look(source) == [("sample:2013-01-06:a", "2013-01-06")]
    assert look(source, profile="full") == [("full:2013-01-06:a", "2013-01-06")]
    assert look(source) == look(source, profile="full") == []


def test_assets_without_partitions_are_asked_for_whole(look):
    source = Source()
    source.arrived = {None: "1.0"}
    assert look(source, airlines) == [("sample:all:1.0", None)]
    assert look(source, airlines) == []


def test_runs_of_one_location_go_one_after_the_other():
    sensor = arrival_sensor("new_weeks", dg.AssetSelection.assets(flights), Source(**{"2013-01-06": "a"}).look)
    context = dg.build_sensor_context(definitions=dg.Definitions(assets=[flights], sensors=[sensor]))
    (request,) = sensor.evaluate_tick(context).run_requests
    assert request.tags["atoll/sequence"] == __name__.partition(".")[0]


def test_a_look_whose_end_was_lost_asks_for_the_same_runs(monkeypatch):
    """The daemon knows a run by its key, and launches none twice."""
    sensor = arrival_sensor("new_weeks", dg.AssetSelection.assets(flights), Source(**{"2013-01-06": "a"}).look)
    defs = dg.Definitions(assets=[flights], sensors=[sensor])
    first, second = (sensor.evaluate_tick(dg.build_sensor_context(definitions=defs)).run_requests for _ in range(2))
    assert [request.run_key for request in first] == [request.run_key for request in second]
