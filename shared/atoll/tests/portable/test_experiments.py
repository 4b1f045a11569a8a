import mlflow
import pandas as pd
import pytest

from atoll import UserError, load, settings, tracked
from atoll.storage.journal import Journal
from atoll.storage.models import unpack
from atoll.storage.store import Slot, Store
from atoll.storage.values import find, write
from atoll.tracking.experiments import TrackedRun
from atoll.tracking.records import list_pending


class Double:
    feature_names_in_ = ("price",)

    def predict(self, table):
        return table["price"] * 2


class Figure:
    """Stands in for matplotlib's, which not every project has."""

    def savefig(self, image, **_):
        image.write(b"PNG")


@pytest.fixture(autouse=True)
def prices(store_folder):
    table = pd.DataFrame({"price": [1.0, 2.0], "sold": [True, False]})
    write(Store(settings().store), Slot("sample", ("toy", "prices")), table, {})


def read_record():
    (record,) = list_pending(Journal(settings().store))
    return record


def test_a_block_gives_the_record_that_an_asset_gives(tmp_path):
    with tracked("toy/doubling", {"factor": 2}) as run:
        load("toy/prices")
        for step, loss in enumerate([3.0, 2.0, 1.0]):
            run.log_metric("loss", loss, step)
        run.log_params({"depth": 3})
        run.log_figure(Figure(), "errors")
        run.log_model(Double())
    record = read_record()
    assert (record.asset, record.status, record.run_id) == ("toy/tracked/doubling", "FINISHED", None)
    assert record.parameters == {"factor": 2, "depth": 3}
    assert (record.metrics, record.history) == ({"loss": 1.0}, {"loss": [(0, 3.0), (1, 2.0), (2, 1.0)]})
    assert record.plots == {"errors": "UE5H"}
    version = find(Store(settings().store), "toy/prices").manifest.data_version
    assert record.manifest.inputs == {"toy/prices": {"all": version}}
    store = Store(settings().store)
    with store.open(store.read_version(record.artefact)) as path:
        unpack(path, tmp_path / "model")
    assert mlflow.pyfunc.load_model(str(tmp_path / "model")).metadata.get_input_schema().input_names() == ["price"]
    assert load("toy/tracked/doubling").predict(pd.DataFrame({"price": [4.0]}))[0] == 8.0


def test_a_block_without_a_model_keeps_what_was_measured():
    with tracked("toy/look") as run:
        run.log_metrics({"auc": 0.7, "brier": 0.1})
    assert load("toy/tracked/look") == {"auc": 0.7, "brier": 0.1}


@pytest.mark.parametrize(("error", "status"), [(ValueError("no rows"), "FAILED"), (KeyboardInterrupt(), "KILLED")])
def test_a_block_that_ends_by_an_error_is_recorded_and_the_error_goes_on(error, status):
    with pytest.raises(type(error)), tracked("toy/broken", {"depth": 3}) as run:
        run.log_metric("loss", 1.0)
        raise error
    record = read_record()
    assert (record.status, record.artefact, record.parameters) == (status, None, {"depth": 3})
    assert record.error == f"{type(error).__name__}: {error}"
    assert record.metrics == {"loss": 1.0}


def test_what_is_loaded_outside_of_the_block_is_not_its_input():
    load("toy/prices")
    with tracked("toy/look") as run:
        run.log_metric("auc", 0.5)
    load("toy/prices")
    assert read_record().manifest.inputs == {}


def test_a_name_without_location_is_explained():
    with pytest.raises(UserError) as caught, tracked("doubling"):
        pass
    assert caught.value.what == "`doubling` is not a name to track by."
    assert caught.value.how == 'Write it as location/name, such as "flight_delays/splines".'


def test_what_cannot_predict_is_not_kept_as_a_model():
    with pytest.raises(UserError) as caught:
        TrackedRun().log_model({"weights": [1]})
    assert caught.value.what == "A value of type dict is not kept as a model."
