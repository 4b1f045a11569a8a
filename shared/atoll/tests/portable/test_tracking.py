import base64
from threading import Lock

import dagster as dg
import mlflow
import pandas as pd
import pytest
from pydantic import Field

from atoll import Tracking, UserError, load, plot, settings
from atoll.io_manager import StoreIOManager
from atoll.run_tags import TRACKED
from atoll.storage.journal import Journal
from atoll.storage.models import unpack
from atoll.storage.store import Store
from atoll.storage.values import find
from atoll.tracking.records import list_pending, mark_sent

PNG = b"\x89PNG"


class Doubling:
    """A model of the kind that a project writes itself."""

    feature_names_in_ = ("price",)

    def __init__(self, factor=2.0, hidden=object):
        self.factor, self.hidden = factor, hidden

    def get_params(self):
        return {"factor": self.factor, "hidden": self.hidden}

    def predict(self, table):
        return table["price"] * self.factor


class Guess:
    """A model that names no columns."""

    def predict(self, table):
        return table["price"] * 0


class Training(dg.Config):
    trainer: str = "doubling"
    parameters: dict = Field(default_factory=dict)


class Figure:
    """Stands in for matplotlib's, which not every project has."""

    def savefig(self, image, **_):
        image.write(PNG)


@dg.asset(key_prefix="toy", kinds={"pandas"})
def prices():
    return pd.DataFrame({"price": [float(number) for number in range(20)], "sold": ["yes", "no"] * 10})


def make_model(value, **metadata):
    @dg.asset(key_prefix="toy", kinds={"mlflow"}, code_version="7")
    def model(prices, config: Training):
        return dg.MaterializeResult(value=value, metadata=metadata)

    return model


def run(*assets, tracked=("toy/model",), **options):
    manager = StoreIOManager(tracked=list(tracked))
    return dg.materialize(assets, resources={"io_manager": manager}, **options)


def records():
    return list(list_pending(Journal(settings().store)))


def open_folder(tmp_path, key="toy/model"):
    store = Store(settings().store)
    with store.open(find(store, key)) as path:
        unpack(path, tmp_path / "unpacked")
    return str(tmp_path / "unpacked")


def test_a_model_comes_back_as_it_was(store_folder):
    assert run(prices, make_model(Doubling(3.0))).success
    found = load("toy/model")
    assert (type(found), found.factor) == (Doubling, 3.0)


def test_mlflow_reads_what_was_stored_with_signature_and_example(store_folder, tmp_path):
    run(prices, make_model(Doubling(3.0)))
    folder = open_folder(tmp_path)
    found = mlflow.pyfunc.load_model(folder)
    assert list(found.predict(pd.DataFrame({"price": [1.0, 2.0]}))) == [3.0, 6.0]
    assert found.metadata.get_input_schema().input_names() == ["price"]
    assert len(found.input_example) == 5
    with pytest.raises(mlflow.exceptions.MlflowException, match="missing inputs"):
        found.predict(pd.DataFrame({"sold": ["yes"]}))


def test_a_model_without_names_is_shown_with_the_whole_table(store_folder, tmp_path):
    run(prices, make_model(Guess()))
    found = mlflow.pyfunc.load_model(open_folder(tmp_path))
    assert found.metadata.get_input_schema().input_names() == ["price", "sold"]


def test_an_estimator_of_scikit_learn_is_a_model(store_folder, tmp_path):
    from sklearn.linear_model import LinearRegression

    table = pd.DataFrame({"price": [1.0, 2.0, 3.0], "sold": [2.0, 4.0, 6.0]})

    @dg.asset(key_prefix="toy", name="prices")
    def numbers():
        return table

    assert run(numbers, make_model(LinearRegression().fit(table[["price"]], table["sold"]))).success
    found = mlflow.pyfunc.load_model(open_folder(tmp_path))
    assert list(found.predict(pd.DataFrame({"price": [5.0]}))) == pytest.approx([10.0])
    assert records()[0].parameters["fit_intercept"] is True


def test_the_same_model_is_the_same_file(store_folder):
    versions = set()
    for _ in range(2):
        run(prices, make_model(Doubling(3.0)))
        versions.add(find(Store(settings().store), "toy/model").manifest.checksum)
    assert len(versions) == 1


def test_the_folder_that_a_process_works_in_leaves_no_trace_in_the_file(store_folder, tmp_path, monkeypatch):
    run(prices, make_model(Doubling(3.0)))
    before = find(Store(settings().store), "toy/model").manifest.checksum
    (tmp_path / "uv.lock").write_text('version = 1\nrequires-python = ">=3.11"\n')
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "toy"\nversion = "1"\n')
    monkeypatch.chdir(tmp_path)
    run(prices, make_model(Doubling(3.0)))
    assert find(Store(settings().store), "toy/model").manifest.checksum == before


def test_a_model_that_cannot_be_pickled_is_explained(store_folder):
    with pytest.raises(UserError) as caught:
        run(prices, make_model(Doubling(hidden=Lock())), raise_on_error=True)
    assert caught.value.what == "A model of type Doubling cannot be stored."
    assert caught.value.how == "Leave open files, connections and locks out of it."


def test_what_is_tracked_is_recorded_whole(store_folder):
    picture = plot(Figure())
    metadata = {"metric/mae": 1.5, "metric/cars": 3, "metric/note": "none", "share": 0.5, "errors": picture}
    configured = {"ops": {"toy__model": {"config": {"parameters": {"depth": 3}}}}}
    result = run(prices, make_model(Doubling(), **metadata), run_config=configured)
    (record,) = records()
    manifest = find(Store(settings().store), "toy/model").manifest
    assert (record.asset, record.profile, record.status, record.retry) == ("toy/model", "sample", "FINISHED", 0)
    assert (record.run_id, record.step) == (result.run_id, "toy__model")
    assert record.manifest == manifest
    assert record.manifest.code_version == "7"
    assert record.manifest.inputs == {
        "toy/prices": {"all": find(Store(settings().store), "toy/prices").manifest.data_version}
    }
    assert record.parameters == {"trainer": "doubling", "parameters.depth": 3, "factor": 2.0}
    assert record.metrics == {"mae": 1.5, "cars": 3.0}
    assert {name: base64.b64decode(image) for name, image in record.plots.items()} == {"errors": PNG}
    assert (store_folder / record.artefact / "model.zip").is_file()
    assert record.started <= manifest.created <= record.ended


def test_each_partition_and_each_retry_is_a_record_of_its_own(store_folder):
    attempts = []

    @dg.asset(
        key_prefix="toy",
        partitions_def=dg.StaticPartitionsDefinition(["one", "two"]),
        retry_policy=dg.RetryPolicy(max_retries=1),
    )
    def model():
        attempts.append(1)
        if len(attempts) == 1:
            raise ValueError("the first attempt")
        return Doubling()

    for partition in ("one", "two"):
        run(model, partition_key=partition)
    assert [(record.partition, record.retry) for record in records()] == [("one", 1), ("two", 0)]
    assert len({record.id for record in records()}) == 2


def test_a_run_says_which_tracked_assets_it_makes(store_folder):
    model = make_model(Doubling())
    manager = StoreIOManager(tracked=["toy/model"])
    job = dg.Definitions([prices, model], resources={"io_manager": manager}).resolve_implicit_global_asset_job_def()
    with dg.DagsterInstance.ephemeral() as instance:
        runs = [
            job.execute_in_process(instance=instance, asset_selection=keys).run_id
            for keys in ([prices.key, model.key], [prices.key], None)
        ]
        tags = [instance.get_run_by_id(run_id).tags.get(TRACKED) for run_id in runs]
    assert tags == ["toy/model", None, "toy/model"]


def test_what_is_not_tracked_is_not_recorded(store_folder):
    assert run(prices, make_model(Doubling()), tracked=()).success
    assert records() == []
    assert not (store_folder / ".journal").exists()


def test_a_record_that_was_sent_is_put_away_and_stays_so(store_folder):
    run(prices, make_model(Doubling()))
    (record,) = records()
    journal = Journal(settings().store)
    for _ in range(2):
        mark_sent(journal, record)
    assert records() == []
    assert list(journal.list_paths("tracking")) == [f"tracking/sent/toy/{record.id}.json"]


def test_a_journal_is_no_profile_of_the_store(store_folder):
    run(prices, make_model(Doubling()))
    assert {artefact.slot.key for artefact in Store(settings().store).list_current()} == {"toy/prices", "toy/model"}


def test_tables_that_cannot_be_predicted_are_no_example(store_folder, tmp_path):
    class Picky(Guess):
        def predict(self, table):
            raise KeyError("fuel")

    run(prices, make_model(Picky()))
    assert mlflow.pyfunc.load_model(open_folder(tmp_path)).metadata.signature is None


def test_what_an_asset_notes_while_it_works_is_in_the_record_of_that_attempt(store_folder):
    attempts = []

    @dg.asset(key_prefix="toy", kinds={"mlflow"}, retry_policy=dg.RetryPolicy(max_retries=1))
    def model(tracking: Tracking):
        attempts.append(1)
        for step in range(3):
            tracking.log_metric("loss", 3.0 - step, step)
        if len(attempts) == 1:
            raise ValueError("the first attempt")
        tracking.log_param("depth", 3)
        tracking.log_params({"width": 4})
        tracking.log_metrics({"auc": 0.7})
        tracking.log_figure(Figure(), "errors")
        return dg.MaterializeResult(value=Doubling(), metadata={"metric/mae": 1.5})

    manager = StoreIOManager(tracked=["toy/model"])
    dg.materialize([model], resources={"io_manager": manager, "tracking": Tracking()})
    (record,) = records()
    assert record.parameters == {"factor": 2.0, "depth": 3, "width": 4}
    assert record.metrics == {"loss": 1.0, "auc": 0.7, "mae": 1.5}
    assert record.history["loss"] == [(0, 3.0), (1, 2.0), (2, 1.0)]
    assert list(record.plots) == ["errors"]
