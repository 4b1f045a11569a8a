"""Everything on the sample, as the platform runs it: a store, an instance and settings of its own."""

import pickle
import shutil
from collections.abc import Generator
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any, NamedTuple
from zipfile import ZIP_DEFLATED, ZipFile

import dagster as dg
import numpy as np
import pandas as pd
import pytest
from mlflow.exceptions import MlflowException
from personal import Personal, read_text
from sklearn.linear_model import Ridge

from atoll.promotion.registry import Registry, list_names
from atoll.storage.journal import Journal
from atoll.testing import (
    list_failed_checks,
    list_records,
    list_versions,
    load_pyfunc,
    read_metadata,
    store_at,
    train_in_two_processes,
)
from vehicle_prices import listings
from vehicle_prices.cleaning import convert_types
from vehicle_prices.components.evaluation import HEADLINES
from vehicle_prices.definitions import defs
from vehicle_prices.features import INPUTS, NUMBERS, build_features
from vehicle_prices.training import TRAINERS, PriceModel

QUIET = {"telemetry": {"enabled": False}}


class Run(NamedTuple):
    store: Path
    instance: Path
    result: dg.ExecuteInProcessResult
    events: str
    printed: str


def materialize(
    store: Path,
    folder: Path,
    selection: list[str] | None = None,
    config: dict | None = None,
    job: str = "weekly_retraining_job",
) -> tuple:
    keys = None if selection is None else [dg.AssetKey(["vehicle_prices", name]) for name in selection]
    with store_at(store), dg.DagsterInstance.local_temp(str(folder), QUIET) as instance:
        result = defs.resolve_job_def(job).execute_in_process(
            instance=instance,
            raise_on_error=False,
            asset_selection=keys,
            run_config=None if config is None else {"ops": {"vehicle_prices__model": {"config": config}}},
        )
        return result, "\n".join(entry.to_json() for entry in instance.all_logs(result.run_id))


def load(store: Path, name: str) -> Any:
    with store_at(store):
        return defs.load_asset_value(["vehicle_prices", *name.split("/")])


def metadata(result: dg.ExecuteInProcessResult, name: str) -> dict:
    return read_metadata(result, f"vehicle_prices/{name}")


def list_inputs(*names: str) -> dict[str, dict[str, str]]:
    return list_versions(*(f"vehicle_prices/{name}" for name in names))


def pack(value: Any, path: Path) -> None:
    with ZipFile(path, "w", ZIP_DEFLATED) as packed:
        packed.writestr("data/model.pkl", pickle.dumps(value))


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Generator[Run]:
    store, instance, printed = tmp_path_factory.mktemp("store"), tmp_path_factory.mktemp("instance"), StringIO()
    with redirect_stderr(printed), redirect_stdout(printed):
        result, events = materialize(store, instance)
    with store_at(store):
        yield Run(store, instance, result, events, printed.getvalue())


@pytest.fixture(scope="module")
def pyfunc(run: Run, tmp_path_factory) -> Any:
    """The model as MLflow reads what was stored."""
    return load_pyfunc(run.result, "vehicle_prices/model", tmp_path_factory.mktemp("model"))


@pytest.fixture
def copied_store(run: Run, tmp_path: Path) -> Generator[Path]:
    copied = Path(shutil.copytree(run.store, tmp_path / "store"))
    with store_at(copied):
        yield copied


def test_everything_is_made_and_every_check_passes(run):
    assert run.result.success
    assert len(run.result.get_asset_check_evaluations()) == 10
    assert list_failed_checks(run.result) == set()


def test_no_vin_and_no_telephone_number_is_in_store_logs_or_events(run, source):
    personal = Personal(source)
    stored = [path for path in run.store.rglob("*") if path.is_file()]
    assert {Path(metadata(run.result, name)["path"]) for name in ("listings", "model", "predictions")} <= set(stored)
    files = stored + [path for path in run.instance.rglob("*") if path.is_file()]
    assert {path.name: found for path in files if (found := personal.find(read_text(path)))} == {}
    assert "cleaned listings" in run.events and "vehicle_prices__listings" in run.printed
    assert personal.find(run.events) == set()
    assert personal.find(run.printed) == set()


@pytest.mark.parametrize("suffix", [".parquet", ".zip", ".json"])
def test_the_search_sees_into_every_kind_of_file(source, tmp_path, suffix):
    personal, path = Personal(source), tmp_path / f"table{suffix}"
    row = source[source["VIN"].notna()].iloc[[0]]
    writers = {".parquet": row.to_parquet, ".json": row.to_json, ".zip": lambda at: pack(row, at)}
    writers[suffix](path)
    assert row["VIN"].item() in personal.find(read_text(path))


def test_the_evaluation_shows_metrics_with_the_baseline_and_two_plots(run):
    shown = metadata(run.result, "evaluation")
    assert shown["metric/mae_low"] < shown["metric/mae"] < shown["metric/mae_high"] < shown["metric/mae_baseline"]
    assert shown["metric/ratio"] == pytest.approx(shown["metric/mae"] / shown["metric/mae_baseline"])
    for name in ("estimates", "error by slice"):
        assert "data:image/png;base64," in shown[name]
    stored = load(run.store, "evaluation")
    assert stored["metrics"]["mae"] == shown["metric/mae"]
    assert len({entry["slice"] for entry in stored["slices"]}) >= 3


def test_cleaning_says_what_it_dropped_and_why(run):
    shown = metadata(run.result, "vehicles")
    reasons = {name: rows for name, rows in shown.items() if name.startswith("dropped: ")}
    assert len(reasons) == 5
    assert sum(reasons.values()) == shown["dropped"]
    rows = [metadata(run.result, name)["dagster/row_count"] for name in ("listings", "vehicles")]
    assert rows[0] - rows[1] == shown["dropped"]


def test_every_listing_has_a_prediction(run, sample):
    predictions, training_set = load(run.store, "predictions"), load(run.store, "training_set")
    assert predictions["listing"].tolist() == sample["listing"].tolist()
    assert set(predictions.loc[predictions["in_training"], "car"]) == set(training_set["car"])


def test_the_same_cars_give_the_same_file_in_any_process(run, tmp_path):
    trainers = [{"trainer": name, "parameters": {"max_iter": 30}} for name in TRAINERS]
    one, other = train_in_two_processes("vehicle_prices/model", trainers, tmp_path)
    assert one == other and len(set(one)) == len(TRAINERS)


def test_mlflow_estimates_what_the_model_does(run, pyfunc):
    vehicles = build_features(convert_types(load(run.store, "listings")))
    vehicles.loc[0, NUMBERS] = np.nan
    estimates = pyfunc.predict(vehicles)
    assert list(estimates) == ["estimate", "low", "high"]
    pd.testing.assert_frame_equal(estimates, load(run.store, "model").predict(vehicles))


def test_mlflow_asks_for_the_columns_of_the_model_alone_and_for_each(run, pyfunc):
    assert pyfunc.metadata.get_input_schema().input_names() == INPUTS
    assert list(pyfunc.input_example) == INPUTS
    cars = load(run.store, "test_set")
    for name in INPUTS:
        with pytest.raises((MlflowException, KeyError), match=name):
            pyfunc.predict(cars.drop(columns=name))


def test_model_and_evaluation_are_tracked(run):
    found = list_records(run.result)
    assert set(found) == {"model", "evaluation"}
    model, evaluation = found["model"], found["evaluation"]
    assert model.parameters["trainer"] == "gradient_boosting" and model.parameters["loss"] == "absolute_error"
    assert model.manifest.inputs == list_inputs("training_set")
    shown = metadata(run.result, "evaluation")
    assert evaluation.metrics == {name: shown[f"metric/{name}"] for name in HEADLINES}
    assert set(evaluation.plots) == {"estimates", "error by slice"}
    assert evaluation.manifest.inputs == list_inputs("model", "median_price", "test_set")


def test_the_gate_decides_on_the_test_cars_and_the_champion_predicts(run):
    registry = Registry(Journal(str(run.store)), "sample", "vehicle_prices")
    (version,), (decision,) = registry.versions(), registry.decisions()
    assert version.manifest.data_version in list_inputs("model")["vehicle_prices/model"].values()
    assert (decision.outcome, decision.challenger, decision.before) == ("sample", 1, None)
    figures = decision.figures
    assert figures["rows"] == len(load(run.store, "test_set"))
    assert -figures["challenger"] == pytest.approx(metadata(run.result, "evaluation")["metric/mae"])
    assert -figures["baseline"] == pytest.approx(metadata(run.result, "evaluation")["metric/mae_baseline"])
    assert figures["baseline_gain_low"] > 0 and decision.champion == 1
    assert list_inputs("champion")["vehicle_prices/champion"] == {"all": version.manifest.data_version}
    assert isinstance(load(run.store, "champion"), PriceModel)


def test_a_model_that_does_not_beat_the_median_guess_makes_no_predictions(copied_store, tmp_path):
    config = {"trainer": "ridge", "parameters": {"alpha": 1e12}}
    result, _ = materialize(copied_store, tmp_path, ["model", "evaluation", "predictions"], config)
    assert not result.success
    assert ("evaluation", "beats_baseline") in list_failed_checks(result)
    assert result.asset_materializations_for_node("vehicle_prices__evaluation")
    assert not result.asset_materializations_for_node("vehicle_prices__predictions")


def test_an_unknown_trainer_fails_the_run_with_the_three_lines(copied_store, tmp_path):
    result, _ = materialize(copied_store, tmp_path, ["model"], {"trainer": "oracle"})
    assert not result.success
    error = result.failure_data_for_node("vehicle_prices__model").error
    assert "There is no trainer `oracle`." in error.to_string()


def test_a_second_pipeline_has_its_own_model_champion_and_predictions(run, copied_store, tmp_path):
    before = list_inputs("listings", "model", "champion", "predictions")
    result, _ = materialize(copied_store, tmp_path, job="weekly_retraining_sedans_job")
    assert [check.passed for check in result.get_asset_check_evaluations()] == [True] * 10
    model = load(copied_store, "sedans/model")
    assert isinstance(model.estimator[-1], Ridge)
    assert model.feature_names_in_ == [name for name in INPUTS if name != "type"]
    typed = load(copied_store, "listings").set_index("listing")["type"]
    assert load(copied_store, "sedans/predictions")["listing"].tolist() == typed.index[typed == "sedan"].tolist()
    names = list_names(Journal(str(copied_store)), "sample", "vehicle_prices")
    assert names == ["vehicle_prices", "vehicle_prices.sedans"]
    (decision,) = Registry(Journal(str(copied_store)), "sample", names[1]).decisions()
    assert decision.figures["rows"] == len(load(copied_store, "sedans/test_set"))
    assert {row["slice"] for row in decision.figures["slices"]} == {"model", "condition"}
    assert decision.rule["slice_loss"] == 500
    records = list_records(result)
    assert set(records) == {"sedans/model", "sedans/evaluation"}
    parameters = records["sedans/model"].parameters
    assert (parameters["trainer"], parameters["alpha"]) == ("ridge", 1.0)
    assert list_inputs("listings", "model", "champion", "predictions") == before


def test_a_source_that_breaks_the_schema_stops_what_is_downstream(tmp_path, source, monkeypatch):
    path = tmp_path / "listings.csv"
    source.assign(state="California").to_csv(path)
    monkeypatch.setattr(listings, "find_source", lambda *_: path)
    result, _ = materialize(tmp_path / "store", tmp_path, ["listings", "vehicles", "features"])
    assert not result.success
    assert result.asset_materializations_for_node("vehicle_prices__listings")
    assert not result.asset_materializations_for_node("vehicle_prices__vehicles")
    (failed,) = [check for check in result.get_asset_check_evaluations() if not check.passed]
    assert failed.check_name == "schema" and "state" in (failed.description or "")
