"""What MLflow has followed, and what it has not."""

from collections.abc import Iterator

import mlflow
import pytest
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

from atoll.commands.confirmation import confirm


class Guess(mlflow.pyfunc.PythonModel):
    def predict(self, context, model_input, params=None): ...


@pytest.fixture(scope="module")
def tracking(tmp_path_factory) -> Iterator[str]:
    """MLflow with two versions of a model: number 3 of ours, and number 7, which does not load."""
    folder = tmp_path_factory.mktemp("mlflow")
    client = MlflowClient(f"sqlite:///{folder}/mlflow.db")
    client.create_registered_model("prices")
    mlflow.pyfunc.save_model(folder / "model", python_model=Guess(), pip_requirements=[])
    for number, source in (("3", "model"), ("7", "nothing")):
        client.create_model_version("prices", f"file://{folder}/{source}", tags={"atoll/version": number})
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "7")
        yield client.tracking_uri
    mlflow.set_tracking_uri(None)  # ty: ignore[invalid-argument-type]


@pytest.fixture
def point(tracking):
    """Move the alias."""
    return lambda version: MlflowClient(tracking).set_registered_model_alias("prices", "champion", version)


def test_a_version_that_the_alias_names_and_that_loads_is_confirmed(tracking, point):
    point("1")
    assert confirm("prices", "3", tracking, 0)


def test_another_version_and_another_model_are_not(tracking, point):
    point("1")
    assert not confirm("prices", "7", tracking, 0)
    assert not confirm("ships", "3", tracking, 0)


def test_a_version_that_does_not_load_is_told_by_what_it_raises(tracking, point):
    point("2")
    with pytest.raises(MlflowException, match="No such artifact"):
        confirm("prices", "7", tracking, 0)


def test_a_server_that_does_not_answer_is_not_waited_for_longer_than_said(tracking):
    assert not confirm("prices", "3", "http://127.0.0.1:1", 0)
