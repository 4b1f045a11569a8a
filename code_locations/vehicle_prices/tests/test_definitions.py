import dagster as dg
import pytest

from vehicle_prices.definitions import defs

ASSETS = (
    "listings vehicles features training_set test_set median_price held_out model champion evaluation predictions"
).split()  # fmt: skip


@pytest.fixture(scope="module")
def graph():
    return defs.resolve_asset_graph()


def key(name: str) -> dg.AssetKey:
    return dg.AssetKey(["vehicle_prices", name])


def test_the_assets_are_the_known_ones_with_description_group_and_owner(graph):
    assert graph.materializable_asset_keys == {key(name) for name in ASSETS}
    for found in graph.materializable_asset_keys:
        node = graph.get(found)
        assert node.description and node.group_name == "vehicle_prices" and node.owners == ["team:data-science"]


def test_the_model_learns_from_training_cars_alone_and_predictions_wait_for_the_evaluation(graph):
    assert graph.get(key("model")).parent_keys == {key("training_set")}
    assert graph.get(key("median_price")).parent_keys == {key("training_set")}
    assert key("test_set") not in graph.get(key("training_set")).parent_keys
    assert key("evaluation") in graph.get(key("predictions")).parent_keys


def test_checks_block_but_for_the_one_that_warns(graph):
    blocking = {(check.asset_key.path[1], check.name): graph.get(check).blocking for check in graph.asset_check_keys}
    assert blocking == {
        ("listings", "schema"): True,
        ("listings", "no_car_dominates"): True,
        ("vehicles", "schema"): True,
        ("vehicles", "share_dropped"): True,
        ("test_set", "no_car_in_both"): True,
        ("model", "gate"): True,
        ("evaluation", "metrics_are_finite"): True,
        ("evaluation", "beats_baseline"): True,
        ("evaluation", "interval_covers"): False,
        ("predictions", "estimates_are_plausible"): True,
    }


def test_retraining_is_weekly_covers_everything_and_is_off_until_switched_on(graph):
    schedule = defs.resolve_schedule_def("weekly_retraining")
    assert schedule.cron_schedule == "0 3 * * 1"
    assert schedule.default_status == dg.DefaultScheduleStatus.STOPPED
    job = defs.resolve_job_def(schedule.job_name)
    assert job.asset_layer.executable_asset_keys == graph.materializable_asset_keys


@pytest.mark.parametrize("name", ["model", "evaluation", "predictions"])
def test_what_retraining_makes_is_expected_to_be_fresh(graph, name):
    policy = graph.get(key(name)).freshness_policy
    assert policy.warn_window.to_timedelta().days == 8
    assert policy.fail_window.to_timedelta().days == 15
