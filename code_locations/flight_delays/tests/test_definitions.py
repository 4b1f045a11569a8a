import json
from pathlib import Path

import dagster as dg
import made_up
import pyarrow as pa
import pytest

import flight_delays
from flight_delays.definitions import defs
from flight_delays.defs.aviation import FLIGHTS
from flight_delays.defs.location import MODEL_WEEKS, WEEKS

WEEKLY = ["outcomes", "features", "examples"]
MODELS = ["training_set", "baseline", "held_out", "drift", "model", "champion", "predictions", "evaluation"]
LENT = ["flights", "weather", "planes", "airlines", "airports"]


@pytest.fixture(scope="module")
def graph():
    return defs.resolve_asset_graph()


def key(name: str) -> dg.AssetKey:
    return dg.AssetKey(["flight_delays", name])


def test_the_assets_are_the_known_ones_with_description_group_owner_and_automation(graph):
    assert graph.materializable_asset_keys == {key(name) for name in (*WEEKLY, *MODELS, "year")}
    for found in graph.materializable_asset_keys:
        node = graph.get(found)
        assert node.description and node.group_name == "flight_delays" and node.owners == ["team:data-science"]
        assert (node.automation_condition is None) == (found == key("model"))


def test_assets_are_taken_from_aviation_data_by_contract(graph):
    taken = {found for found in graph.get_all_asset_keys() if found.path[0] != "flight_delays"}
    assert taken == {dg.AssetKey(["aviation_data", name]) for name in LENT}
    assert graph.get(FLIGHTS.key).partitions_def == graph.get(key("features")).partitions_def
    assert graph.get(FLIGHTS.key).owners == ["team:data-engineering"]


@pytest.mark.parametrize("name", LENT)
def test_made_up_tables_are_what_the_contracts_promise(name):
    path = Path(flight_delays.__file__).parent / "contracts" / "aviation_data" / f"{name}.json"
    promised = json.loads(path.read_text())["columns"]
    make = getattr(made_up, name)
    table = make("2013-03-10") if name in ("flights", "weather") else make()
    schema = pa.Schema.from_pandas(table, preserve_index=False)
    assert {field.name: str(field.type) for field in schema} == promised


def test_weeks_of_models_start_when_there_are_ten_to_learn_from(graph):
    for name in WEEKLY:
        assert graph.get(key(name)).partitions_def == WEEKS
    for name in MODELS:
        assert graph.get(key(name)).partitions_def == MODEL_WEEKS
    assert MODEL_WEEKS.get_partition_keys() == WEEKS.get_partition_keys()[10:]


def test_a_week_learns_from_the_ten_before_and_never_from_its_own(graph):
    assert graph.get(key("training_set")).parent_keys == {key("examples")}
    weeks = WEEKS.get_partition_keys()
    mapping = graph.get_partition_mapping(key("training_set"), key("examples"))
    for number in (10, 30, 52):
        subset = MODEL_WEEKS.subset_with_partition_keys([weeks[number]])
        found = mapping.get_upstream_mapped_partitions_result_for_partitions(subset, MODEL_WEEKS, WEEKS)
        assert sorted(found.partitions_subset.get_partition_keys()) == weeks[number - 10 : number]


def test_what_predicts_sees_no_outcome_of_its_week(graph):
    assert graph.get(key("features")).parent_keys.isdisjoint({key("outcomes"), key("examples")})
    known = {key(name) for name in ("champion", "features", "training_set", "baseline")}
    assert graph.get(key("predictions")).parent_keys == known
    assert graph.get(key("model")).parent_keys == graph.get(key("baseline")).parent_keys == {key("training_set")}


def test_the_champion_of_a_week_comes_from_the_week_before(graph):
    weeks = MODEL_WEEKS.get_partition_keys()
    mapping = graph.get_partition_mapping(key("champion"), key("model"))
    for number, expected in ((0, []), (1, weeks[:1]), (42, weeks[41:42])):
        subset = MODEL_WEEKS.subset_with_partition_keys([weeks[number]])
        found = mapping.get_upstream_mapped_partitions_result_for_partitions(subset, MODEL_WEEKS, MODEL_WEEKS)
        assert list(found.partitions_subset.get_partition_keys()) == expected
    assert graph.get(key("evaluation")).parent_keys.isdisjoint({key("model"), key("champion")})


def test_checks_block_but_for_those_that_warn_and_are_one_a_week(graph):
    blocking = {(check.asset_key.path[1], check.name): graph.get(check).blocking for check in graph.asset_check_keys}
    assert blocking == {
        ("outcomes", "schema"): True,
        ("features", "schema"): True,
        ("features", "see_no_future"): True,
        ("training_set", "see_no_future"): True,
        ("training_set", "ten_weeks_are_there"): False,
        ("model", "gate"): True,
        ("drift", "drift"): False,
        ("evaluation", "decay"): False,
        ("predictions", "are_probabilities"): True,
        ("predictions", "come_after_training"): True,
        ("evaluation", "metrics_are_finite"): True,
        ("evaluation", "beats_baseline"): False,
        ("year", "beats_baseline_on_the_year"): True,
    }
    for check in graph.asset_check_keys:
        assert graph.get(check).partitions_def == graph.get(check.asset_key).partitions_def


def test_retraining_is_weekly_and_is_off_until_switched_on():
    schedule = defs.resolve_schedule_def("weekly_retraining")
    assert schedule.cron_schedule == "0 3 * * 1"
    assert schedule.default_status == dg.DefaultScheduleStatus.STOPPED
    job = defs.resolve_job_def(schedule.job_name)
    assert job.asset_layer.executable_asset_keys == {key(name) for name in MODELS}


def test_reasons_ask_for_the_model_of_the_week_alone():
    sensor = defs.resolve_sensor_def("weekly_retraining_triggers")
    job = defs.get_repository_def().get_job(sensor.job_name)
    assert job.asset_layer.executable_asset_keys == {key("model")}


@pytest.mark.parametrize("name", ["model", "predictions", "evaluation", "year"])
def test_what_retraining_makes_is_expected_to_be_fresh(graph, name):
    policy = graph.get(key(name)).freshness_policy
    assert policy.warn_window.to_timedelta().days == 8
    assert policy.fail_window.to_timedelta().days == 15


def test_what_is_watched_for_retraining_is_there():
    with dg.DagsterInstance.ephemeral() as instance:
        context = dg.build_sensor_context(instance=instance, repository_def=defs.get_repository_def())
        tick = defs.resolve_sensor_def("weekly_retraining_triggers").evaluate_tick(context)
        assert tick.skip_message == "There is no reason."
