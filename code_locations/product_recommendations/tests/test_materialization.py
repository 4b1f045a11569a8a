from typing import Any

import dagster as dg
import pandas as pd
import pytest
from mlflow.exceptions import MlflowException

from atoll import settings
from atoll.promotion.registry import Registry
from atoll.storage.journal import Journal
from atoll.testing import (
    list_failed_checks,
    list_records,
    list_versions,
    load_pyfunc,
    read_metadata,
    train_in_two_processes,
)
from product_recommendations.definitions import defs
from product_recommendations.item_ridge import ItemRidgeTrainer
from product_recommendations.training import TRAINERS

COLUMNS = ["household_id", "basket_id", "time", "item"]
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


def list_inputs(*names):
    return list_versions(*(f"{LOCATION}/{name}" for name in names))


@pytest.fixture(scope="module")
def instance():
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


@pytest.fixture(scope="module")
def green(instance):
    result = run(instance)
    assert result.success
    return result


@pytest.fixture(scope="module")
def pyfunc(green, tmp_path_factory):
    """The model as MLflow reads what was stored."""
    return load_pyfunc(green, f"{LOCATION}/model", tmp_path_factory.mktemp("model"))


def test_the_whole_graph_is_green_on_the_sample(green):
    assert len(green.get_asset_check_evaluations()) == 9
    assert list_failed_checks(green) == set()


def test_the_model_beats_popularity_and_item2vec_by_cosine_does_not(green):
    metrics = read_metadata(green, f"{LOCATION}/evaluation")
    assert metrics["metric/hit_rate"] > metrics["metric/hit_rate_baseline"] > metrics["metric/hit_rate_item2vec"]
    assert metrics["metric/gain_low"] > 0
    for figure in ("recommenders", "slices"):
        assert metrics[figure].startswith("![plot](data:image/png;base64,")


def test_each_household_of_the_sample_gets_ten_items(green, instance):
    table, baskets = load(instance, "recommendations"), load(instance, "baskets")
    assert set(table["household_id"]) == set(baskets["household_id"])
    assert (table.groupby("household_id").size() == 10).all()


def test_mlflow_recommends_what_the_model_does(green, instance, pyfunc):
    baskets = load(instance, "baskets")
    table = load(instance, "recommendations").drop(columns="department")
    pd.testing.assert_frame_equal(pyfunc.predict(baskets), table)


def test_mlflow_asks_for_the_columns_of_the_model_alone_and_for_each(green, instance, pyfunc):
    assert pyfunc.metadata.get_input_schema().input_names() == COLUMNS
    assert list(pyfunc.input_example) == COLUMNS
    baskets = load(instance, "baskets")
    for name in COLUMNS:
        with pytest.raises(MlflowException, match=name):
            pyfunc.predict(baskets.drop(columns=name))


def test_model_and_evaluation_are_tracked(green):
    found = list_records(green)
    assert set(found) == {"model", "evaluation"}
    model, evaluation = found["model"], found["evaluation"]
    assert model.parameters == {"trainer": "item_ridge", **vars(ItemRidgeTrainer())}
    assert model.manifest.inputs == list_inputs("training_baskets")
    shown = read_metadata(green, f"{LOCATION}/evaluation")
    assert evaluation.metrics == {
        name.removeprefix("metric/"): value for name, value in shown.items() if name.startswith("metric/")
    }
    assert {"hit_rate", "gain_low"} <= set(evaluation.metrics)
    assert set(evaluation.plots) == {"recommenders", "slices"}
    assert evaluation.manifest.inputs == list_inputs("held_out", "item2vec", "model")


def test_the_gate_decides_by_what_the_evaluation_measures_and_the_champion_recommends(green):
    registry = Registry(Journal(settings().store), "sample", LOCATION)
    (version,), (decision,) = registry.versions(), registry.decisions()
    assert (decision.outcome, decision.challenger, decision.before, decision.champion) == ("sample", 1, None, 1)
    figures, shown = decision.figures, read_metadata(green, f"{LOCATION}/evaluation")
    assert figures["challenger"] == pytest.approx(shown["metric/hit_rate"])
    assert figures["baseline"] == pytest.approx(shown["metric/hit_rate_baseline"])
    assert 0 < figures["baseline_gain_low"] < figures["baseline_gain"] == pytest.approx(shown["metric/gain"])
    assert figures["units"] < figures["rows"]
    assert list_inputs("champion")[f"{LOCATION}/champion"] == {"all": version.manifest.data_version}


def test_the_same_baskets_give_the_same_file_in_any_process(green, tmp_path):
    trainers = [{"trainer": name} for name in TRAINERS]
    one, other = train_in_two_processes(f"{LOCATION}/model", trainers, tmp_path)
    assert one == other and len(set(one)) == len(TRAINERS)
    assert one[0] == list_records(green)["model"].manifest.checksum


@pytest.mark.parametrize(
    ("trainer", "parameters"),
    [("item_factors", {"components": 24}), ("item2vec", {"epochs": 3, "scoring": "probability"})],
)
def test_the_trainer_is_swapped_by_configuration_alone(trainer, parameters, green, instance):
    result = run(instance, ["model", "evaluation"], trainer=trainer, parameters=parameters)
    assert result.success
    tracked = list_records(result)["model"].parameters
    assert tracked["trainer"] == trainer and parameters.items() <= tracked.items()
    assert read_metadata(result, f"{LOCATION}/evaluation")["metric/gain"] > 0


def test_a_model_that_loses_to_popularity_is_refused_and_stopped(green, instance):
    result = run(instance, ["model", "evaluation", "recommendations"], trainer="item2vec")
    assert not result.success
    assert list_failed_checks(result) == {("model", "gate"), ("evaluation", "beats_popularity")}
    assert not result.asset_materializations_for_node(f"{LOCATION}__recommendations")


def test_a_wrong_trainer_is_explained_in_the_run(green, instance):
    result = run(instance, ["model"], trainer="forest")
    (failure,) = [event for event in result.all_node_events if event.is_step_failure]
    assert "There is no trainer `forest`." in failure.step_failure_data.error_display_string
