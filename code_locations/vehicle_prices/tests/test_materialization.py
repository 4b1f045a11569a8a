"""Everything on the sample, as the platform runs it: a store, an instance and settings of its own."""

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any, NamedTuple

import dagster as dg
import pytest
from personal import Personal, read_text
from sklearn.linear_model import Ridge

from atoll import settings
from vehicle_prices import listings
from vehicle_prices.definitions import defs
from vehicle_prices.training import PriceModel, load_model

TRAIN = """
import hashlib, sys
from pathlib import Path
from vehicle_prices.cleaning import clean
from vehicle_prices.features import build_features
from vehicle_prices.listings import find_source, read_listings, sample_listings
from vehicle_prices.split import split_cars
from vehicle_prices.training import make_trainer, save_model

cars = split_cars(build_features(clean(sample_listings(read_listings(find_source()))).vehicles)).training
path = save_model("gradient_boosting", make_trainer("gradient_boosting", {}).train(cars), Path(sys.argv[1]))
print(hashlib.sha256(path.read_bytes()).hexdigest())
"""


QUIET = {"telemetry": {"enabled": False}}


class Run(NamedTuple):
    store: Path
    instance: Path
    result: dg.ExecuteInProcessResult
    events: str
    printed: str


@contextmanager
def store_at(path: Path) -> Generator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ATOLL_STORE", str(path))
        patch.setenv("ATOLL_PROFILE", "sample")
        settings.cache_clear()
        yield
    settings.cache_clear()


def materialize(store: Path, folder: Path, selection: list[str] | None = None, config: dict | None = None) -> tuple:
    keys = None if selection is None else [dg.AssetKey(["vehicle_prices", name]) for name in selection]
    with store_at(store), dg.DagsterInstance.local_temp(str(folder), QUIET) as instance:
        result = defs.resolve_job_def("retraining").execute_in_process(
            instance=instance,
            raise_on_error=False,
            asset_selection=keys,
            run_config=None if config is None else {"ops": {"vehicle_prices__model": {"config": config}}},
        )
        return result, "\n".join(entry.to_json() for entry in instance.all_logs(result.run_id))


def load(store: Path, name: str) -> Any:
    with store_at(store):
        return defs.load_asset_value(["vehicle_prices", name])


def metadata(result: dg.ExecuteInProcessResult, name: str) -> dict:
    (event,) = result.asset_materializations_for_node(f"vehicle_prices__{name}")
    return {label: entry.value for label, entry in event.metadata.items()}


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Run:
    store, instance, printed = tmp_path_factory.mktemp("store"), tmp_path_factory.mktemp("instance"), StringIO()
    with redirect_stderr(printed), redirect_stdout(printed):
        result, events = materialize(store, instance)
    return Run(store, instance, result, events, printed.getvalue())


@pytest.fixture
def copied_store(run: Run, tmp_path: Path) -> Path:
    return Path(shutil.copytree(run.store, tmp_path / "store"))


def test_everything_is_made_and_every_check_passes(run):
    assert run.result.success
    checks = run.result.get_asset_check_evaluations()
    assert len(checks) == 9
    assert [check.check_name for check in checks if not check.passed] == []


def test_no_vin_and_no_telephone_number_is_in_store_logs_or_events(run, source):
    personal = Personal(source)
    stored = [path for path in run.store.rglob("*") if path.is_file()]
    assert {Path(metadata(run.result, name)["path"]) for name in ("listings", "model", "predictions")} <= set(stored)
    files = stored + [path for path in run.instance.rglob("*") if path.is_file()]
    assert {path.name: found for path in files if (found := personal.find(read_text(path)))} == {}
    assert "cleaned listings" in run.events and "vehicle_prices__listings" in run.printed
    assert personal.find(run.events) == set()
    assert personal.find(run.printed) == set()


@pytest.mark.parametrize("suffix", [".parquet", ".joblib", ".json"])
def test_the_search_sees_into_every_kind_of_file(source, tmp_path, suffix):
    import joblib

    personal, path = Personal(source), tmp_path / f"table{suffix}"
    row = source[source["VIN"].notna()].iloc[[0]]
    writers = {".parquet": row.to_parquet, ".json": row.to_json, ".joblib": lambda at: joblib.dump(row, at, compress=3)}
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


def test_the_same_cars_give_the_same_model_file_in_any_process(run, tmp_path):
    processes = []
    for seed in ("1", "2"):
        folder = tmp_path / seed
        folder.mkdir()
        environment = {**os.environ, "PYTHONHASHSEED": seed, "OMP_NUM_THREADS": seed}
        command = [sys.executable, "-c", TRAIN, str(folder)]
        processes.append(subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True))
    digests = {process.communicate()[0].strip() for process in processes}
    stored = load(run.store, "model").read_bytes()
    digests |= {metadata(run.result, "model")["sha256"], hashlib.sha256(stored).hexdigest()}
    assert [process.returncode for process in processes] == [0, 0]
    assert len(digests) == 1


def test_another_trainer_is_swapped_in_by_configuration_alone(run, copied_store, tmp_path):
    config = {"trainer": "ridge", "parameters": {"alpha": 3.0}}
    result, _ = materialize(copied_store, tmp_path, ["model", "evaluation", "predictions"], config)
    assert result.success
    assert metadata(result, "model")["trainer"] == "ridge"
    model = load_model(load(copied_store, "model"))
    assert isinstance(model, PriceModel)
    assert isinstance(model.estimator[-1], Ridge) and model.estimator[-1].get_params()["alpha"] == 3.0
    assert metadata(result, "evaluation")["metric/mae"] != metadata(run.result, "evaluation")["metric/mae"]


def test_a_model_that_does_not_beat_the_median_guess_makes_no_predictions(copied_store, tmp_path):
    config = {"trainer": "ridge", "parameters": {"alpha": 1e12}}
    result, _ = materialize(copied_store, tmp_path, ["model", "evaluation", "predictions"], config)
    assert not result.success
    failed = [check for check in result.get_asset_check_evaluations() if not check.passed]
    assert "beats_baseline" in [check.check_name for check in failed]
    assert result.asset_materializations_for_node("vehicle_prices__evaluation")
    assert not result.asset_materializations_for_node("vehicle_prices__predictions")


def test_an_unknown_trainer_fails_the_run_with_the_three_lines(copied_store, tmp_path):
    result, _ = materialize(copied_store, tmp_path, ["model"], {"trainer": "oracle"})
    assert not result.success
    error = result.failure_data_for_node("vehicle_prices__model").error
    assert "There is no trainer `oracle`." in error.to_string()


def test_a_source_that_breaks_the_schema_stops_what_is_downstream(tmp_path, source, monkeypatch):
    path = tmp_path / "listings.csv"
    source.assign(state="California").to_csv(path)
    monkeypatch.setattr(listings, "find_source", lambda: path)
    result, _ = materialize(tmp_path / "store", tmp_path, ["listings", "vehicles", "features"])
    assert not result.success
    assert result.asset_materializations_for_node("vehicle_prices__listings")
    assert not result.asset_materializations_for_node("vehicle_prices__vehicles")
    (failed,) = [check for check in result.get_asset_check_evaluations() if not check.passed]
    assert failed.check_name == "schema" and "state" in (failed.description or "")
