import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import dagster as dg
import mlflow.pyfunc
import pandas as pd
import pytest
from mlflow.exceptions import MlflowException

from atoll.journal import Journal
from atoll.models import unpack
from atoll.store import Store
from atoll.tracking import list_pending
from atoll.values import find
from product_recommendations.definitions import defs
from product_recommendations.item_ridge import ItemRidgeTrainer
from product_recommendations.training import TRAINERS

COLUMNS = ["household_id", "basket_id", "time", "item"]

TRAIN = """
import dagster as dg
from atoll import settings
from atoll.store import Store
from atoll.values import find
from product_recommendations.definitions import defs
from product_recommendations.training import TRAINERS

job, model = defs.resolve_implicit_global_asset_job_def(), dg.AssetKey(["product_recommendations", "model"])
for trainer in TRAINERS:
    config = {"ops": {"product_recommendations__model": {"config": {"trainer": trainer}}}}
    assert job.execute_in_process(asset_selection=[model], run_config=config).success
    print(find(Store(settings().store), "product_recommendations/model").manifest.checksum)
"""

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


def list_records(store, result):
    """What a run has recorded for MLflow, by the name of the asset."""
    found = list_pending(Journal(str(store)))
    return {record.asset.partition("/")[2]: record for record in found if record.run_id == result.run_id}


def list_versions(store, *names):
    """Data versions, as manifests name them."""
    keys = [f"{LOCATION}/{name}" for name in names]
    return {key: {"all": find(Store(str(store)), key).manifest.data_version} for key in keys}


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
    folder = tmp_path_factory.mktemp("model") / "unpacked"
    unpack(Path(find_metadata(green, "model")["path"]), folder)
    return mlflow.pyfunc.load_model(str(folder))


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


def test_model_and_evaluation_are_tracked(green, store):
    found = list_records(store, green)
    assert set(found) == {"model", "evaluation"}
    model, evaluation = found["model"], found["evaluation"]
    assert model.parameters == {"trainer": "item_ridge", **vars(ItemRidgeTrainer())}
    assert model.manifest.inputs == list_versions(store, "training_baskets")
    shown = find_metadata(green, "evaluation")
    assert evaluation.metrics == {
        name.removeprefix("metric/"): value for name, value in shown.items() if name.startswith("metric/")
    }
    assert {"hit_rate", "gain_low"} <= set(evaluation.metrics)
    assert set(evaluation.plots) == {"recommenders", "slices"}
    assert evaluation.manifest.inputs == list_versions(
        store, "questions", "household_history", "popularity", "item2vec", "model"
    )


def test_the_same_baskets_give_the_same_file_in_any_process(green, store, tmp_path):
    processes = []
    for seed in ("1", "2"):
        copied = shutil.copytree(store, tmp_path / seed)
        environment = {**os.environ, "ATOLL_STORE": copied, "PYTHONHASHSEED": seed, "OPENBLAS_NUM_THREADS": seed}
        command = [sys.executable, "-c", TRAIN]
        processes.append(subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True))
    one, other = (process.communicate()[0].split() for process in processes)
    assert [process.returncode for process in processes] == [0, 0]
    assert one == other and len(set(one)) == len(TRAINERS)
    assert one[0] == list_records(store, green)["model"].manifest.checksum


@pytest.mark.parametrize(
    ("trainer", "parameters"),
    [("item_factors", {"components": 24}), ("item2vec", {"epochs": 3, "scoring": "probability"})],
)
def test_the_trainer_is_swapped_by_configuration_alone(trainer, parameters, green, instance, store):
    result = run(instance, ["model", "evaluation", "recommendations"], trainer=trainer, parameters=parameters)
    assert result.success
    tracked = list_records(store, result)["model"].parameters
    assert tracked["trainer"] == trainer and parameters.items() <= tracked.items()
    assert find_metadata(result, "evaluation")["metric/gain"] > 0


def test_a_model_that_loses_to_popularity_is_stopped(green, instance):
    result = run(instance, ["model", "evaluation", "recommendations"], trainer="item2vec")
    assert not result.success
    assert find_checks(result) == {("evaluation", "beats_popularity"): False}
    assert not result.asset_materializations_for_node(f"{LOCATION}__recommendations")


def test_a_wrong_trainer_is_explained_in_the_run(green, instance):
    result = run(instance, ["model"], trainer="forest")
    (failure,) = [event for event in result.all_node_events if event.is_step_failure]
    assert "There is no trainer `forest`." in failure.step_failure_data.error_display_string
