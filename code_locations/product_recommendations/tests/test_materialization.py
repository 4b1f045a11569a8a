from typing import Any

import dagster as dg
import pytest

from product_recommendations.definitions import defs

LOCATION = "product_recommendations"


def key(name):
    return dg.AssetKey([LOCATION, name])


def run(instance, assets=None, **model):
    """Materialize assets, all by default, with a configuration of the asset `model`."""
    return defs.resolve_implicit_global_asset_job_def().execute_in_process(
        instance=instance,
        asset_selection=[key(name) for name in assets] if assets else None,
        run_config={"ops": {f"{LOCATION}__model": {"config": model}}} if model else None,
        raise_on_error=False,
    )


def load(instance, name) -> Any:
    return defs.load_asset_value(key(name), instance=instance)


def find_checks(result):
    return {
        (check.asset_key.path[-1], check.check_name): check.passed for check in result.get_asset_check_evaluations()
    }


def find_metadata(result, name):
    (found,) = [made for made in result.asset_materializations_for_node(f"{LOCATION}__{name}")]
    return {label: entry.value for label, entry in found.metadata.items()}


@pytest.fixture(scope="module")
def instance():
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


@pytest.fixture(scope="module")
def green(instance):
    result = run(instance)
    assert result.success
    return result


def test_the_whole_graph_is_green_on_the_sample(green):
    checks = find_checks(green)
    assert len(checks) == 8
    assert all(checks.values())


def test_the_model_beats_popularity_and_item2vec_by_cosine_does_not(green):
    metrics = find_metadata(green, "evaluation")
    assert metrics["metric/hit_rate"] > metrics["metric/hit_rate_baseline"] > metrics["metric/hit_rate_item2vec"]
    assert metrics["metric/gain_low"] > 0
    for figure in ("recommenders", "slices"):
        assert metrics[figure].startswith("![plot](data:image/png;base64,")


def test_each_household_of_the_sample_gets_ten_items(green, instance):
    table, baskets = load(instance, "recommendations"), load(instance, "baskets")
    assert set(table["household_id"]) == set(baskets["household_id"])
    assert (table.groupby("household_id").size() == 10).all()


@pytest.mark.parametrize(
    ("trainer", "parameters"),
    [("item_factors", {"components": 24}), ("item2vec", {"epochs": 3, "scoring": "probability"})],
)
def test_the_trainer_is_swapped_by_configuration_alone(trainer, parameters, green, instance):
    result = run(instance, ["model", "evaluation", "recommendations"], trainer=trainer, parameters=parameters)
    assert result.success
    before, after = (find_metadata(made, "model") for made in (green, result))
    assert (before["trainer"], after["trainer"]) == ("item_ridge", trainer)
    assert before["sha256"] != after["sha256"]
    assert find_metadata(result, "evaluation")["metric/gain"] > 0


def test_a_model_that_loses_to_popularity_is_stopped(green, instance):
    result = run(instance, ["model", "evaluation", "recommendations"], trainer="item2vec")
    assert not result.success
    assert find_checks(result) == {("evaluation", "beats_popularity"): False}
    assert not result.asset_materializations_for_node(f"{LOCATION}__recommendations")


def test_the_same_baskets_give_the_same_model_in_another_run(green, instance):
    again = run(instance, ["model"])
    assert find_metadata(again, "model")["sha256"] == find_metadata(green, "model")["sha256"]


def test_a_wrong_trainer_is_explained_in_the_run(green, instance):
    result = run(instance, ["model"], trainer="forest")
    (failure,) = [event for event in result.all_node_events if event.is_step_failure]
    assert "There is no trainer `forest`." in failure.step_failure_data.error_display_string
