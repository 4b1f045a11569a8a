import dagster as dg
import pytest

from vehicle_prices.definitions import defs

ASSETS = (
    "listings vehicles features training_set test_set median_price held_out model champion evaluation predictions"
).split()  # fmt: skip
PIPELINES = ("", "sedans")


@pytest.fixture(scope="module")
def graph():
    return defs.resolve_asset_graph()


def key(name: str, pipeline: str = "") -> dg.AssetKey:
    return dg.AssetKey(["vehicle_prices", *pipeline.split(), name])


@pytest.mark.parametrize("name", ASSETS)
def test_a_second_pipeline_is_the_same_graph_below_its_name(graph, name):
    first, second = graph.get(key(name)), graph.get(key(name, "sedans"))
    assert second.parent_keys == {key(parent.path[-1], "sedans") for parent in first.parent_keys}
    assert second.kinds == first.kinds and second.freshness_policy == first.freshness_policy
    of_second = {check.name: graph.get(check).blocking for check in second.check_keys}
    assert of_second == {check.name: graph.get(check).blocking for check in first.check_keys}


def test_the_assets_are_the_known_ones_with_description_group_and_owner(graph):
    assert graph.materializable_asset_keys == {key(name, pipeline) for name in ASSETS for pipeline in PIPELINES}
    for found in graph.materializable_asset_keys:
        node = graph.get(found)
        assert node.description and node.owners == ["team:data-science"]
        assert node.group_name == "_".join(found.path[:-1])


def test_the_model_learns_from_training_cars_alone_and_predictions_wait_for_the_evaluation(graph):
    assert graph.get(key("model")).parent_keys == {key("training_set")}
    assert graph.get(key("median_price")).parent_keys == {key("training_set")}
    assert key("test_set") not in graph.get(key("training_set")).parent_keys
    assert key("evaluation") in graph.get(key("predictions")).parent_keys


def test_checks_block_but_for_the_one_that_warns(graph):
    checks = {check for check in graph.asset_check_keys if len(check.asset_key.path) == 2}
    blocking = {(check.asset_key.path[1], check.name): graph.get(check).blocking for check in checks}
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


@pytest.mark.parametrize(
    ("name", "job", "time", "pipeline"),
    [
        ("weekly_retraining", "weekly_retraining_job", "0 3 * * 1", ""),
        ("weekly_retraining_sedans", "weekly_retraining_sedans_job", "30 3 * * 1", "sedans"),
    ],
)
def test_retraining_is_weekly_covers_the_pipeline_and_is_off_until_switched_on(name, job, time, pipeline):
    schedule = defs.resolve_schedule_def(name)
    assert (schedule.job_name, schedule.cron_schedule, schedule.execution_timezone) == (job, time, "UTC")
    assert schedule.default_status == dg.DefaultScheduleStatus.STOPPED
    layer = defs.resolve_job_def(job).asset_layer
    assert layer.executable_asset_keys == {key(asset, pipeline) for asset in ASSETS}
    assert len(layer.asset_graph.get_check_keys_for_assets(layer.executable_asset_keys)) == 10


@pytest.mark.parametrize("name", ["model", "evaluation", "predictions"])
def test_what_retraining_makes_is_expected_to_be_fresh(graph, name):
    policy = graph.get(key(name)).freshness_policy
    assert policy.warn_window.to_timedelta().days == 8
    assert policy.fail_window.to_timedelta().days == 15


@pytest.mark.parametrize("name", ["weekly_retraining_triggers", "weekly_retraining_sedans_triggers"])
def test_what_is_watched_for_retraining_is_there(name):
    with dg.DagsterInstance.ephemeral() as instance:
        context = dg.build_sensor_context(instance=instance, repository_def=defs.get_repository_def())
        assert defs.resolve_sensor_def(name).evaluate_tick(context).skip_message == "There is no reason."
