"""Models in MLflow's own format: a folder with the file ``MLmodel``, packed into one file."""

import logging
import os
import pickle
import shutil
import tempfile
import warnings
import zipfile
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from atoll.errors import UserError
from atoll.storage.formats import Content

DETECTS = "MLFLOW_UV_AUTO_DETECT"
PICKLE = "data/model.pkl"
# What would make two files of one model differ.
UUID, CREATED, ZIPPED = "0" * 32, "1980-01-01 00:00:00.000000", (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True)
class Trained:
    """A model with what MLflow wants to know beside it.

    ``example`` are a few rows of the table that it was trained on, or None; ``packages`` are versions by name.
    """

    model: Any
    example: Any = None
    packages: Mapping[str, str] = field(default_factory=dict)


def is_model(value: object) -> bool:
    """Whether it can predict, and MLflow is there to keep it."""
    can_predict = callable(getattr(value, "predict", None)) and not isinstance(value, type)
    return can_predict and find_spec("mlflow") is not None


class MlflowModel:
    """A trained model, as ``mlflow.pyfunc.load_model`` reads it; the same model gives the same file."""

    kind = "mlflow"

    def holds(self, value: object) -> bool:
        """Whether it is a model with what belongs to it."""
        return isinstance(value, Trained)

    def dump(self, value: Trained) -> Content:
        """Prepare for storing."""
        return Content("model.zip", lambda path: _pack(value, path))

    def load(self, path: Path) -> Any:
        """Read the model itself back, without MLflow; that runs what its pickle says, and the store is the team's."""
        with zipfile.ZipFile(path) as packed, packed.open(PICKLE) as file:
            return pickle.load(file)  # noqa: S301


def unpack(path: Path, folder: Path) -> None:
    """Lay the packed model out as the folder that MLflow reads.

    Args:
        path: The file that was stored.
        folder: Where ``MLmodel`` is to be; it is made.
    """
    with zipfile.ZipFile(path) as packed:
        packed.extractall(folder)


def _load_pyfunc(path: str) -> Any:
    """Load the model for MLflow, which calls this by its name."""
    return pickle.loads(Path(path).read_bytes())  # noqa: S301


def find_example(model: Any, tables: list[Any]) -> Any:
    """Pick the rows that a model can be shown with: of the columns that it was fitted on, where it names them.

    Args:
        model: The model; scikit-learn's estimators name their columns as ``feature_names_in_``.
        tables: Heads of the tables that it was trained on.

    Returns:
        The first table that has these columns, only those; without such names the first that it can predict; or None.
    """
    names = getattr(model, "feature_names_in_", None)
    for table in tables:
        if names is not None and set(names) <= set(table.columns):
            return table[list(names)]
        if names is None and _predict(model, table) is not None:
            return table
    return None


def _predict(model: Any, example: Any) -> Any:
    """What the model says of an example; None where it has nothing to say of such a table."""
    try:
        return model.predict(example)
    except (KeyError, ValueError, TypeError, AttributeError):
        return None


def _pack(trained: Trained, path: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="atoll-") as place:
        folder = Path(place) / "model"
        _save(trained, Path(place), folder)
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
            for file in sorted(entry for entry in folder.rglob("*") if entry.is_file()):
                entry = zipfile.ZipInfo(file.relative_to(folder).as_posix(), ZIPPED)
                entry.compress_type = zipfile.ZIP_DEFLATED
                with file.open("rb") as source, packed.open(entry, "w") as target:
                    shutil.copyfileobj(source, target)


def _save(trained: Trained, place: Path, folder: Path) -> None:
    import cloudpickle
    import mlflow.pyfunc
    from mlflow.models import Model, infer_signature

    data = place / Path(PICKLE).name
    try:
        data.write_bytes(cloudpickle.dumps(trained.model, protocol=5))
    except (pickle.PicklingError, AttributeError, TypeError, RecursionError) as error:
        raise UserError(
            f"A model of type {type(trained.model).__qualname__} cannot be stored.",
            f"It cannot be pickled: {error}.",
            "Leave open files, connections and locks out of it.",
        ) from error
    answer = None if trained.example is None else _predict(trained.model, trained.example)
    versions = {name: version for name, version in trained.packages.items() if name not in ("python", "atoll")}
    with _quiet():
        shown = {} if answer is None else {"signature": infer_signature(trained.example, answer)}
        mlflow.pyfunc.save_model(
            path=str(folder),
            loader_module=__name__,
            data_path=str(data),
            input_example=trained.example if shown else None,
            pip_requirements=[f"{name}=={version}" for name, version in sorted(versions.items())],
            mlflow_model=Model(model_uuid=UUID, utc_time_created=CREATED),
            **shown,
        )


@contextmanager
def _quiet() -> Generator[None]:
    """Keep back MLflow's remarks on pip and on integers that may be missing, and the uv project that it would pack.

    That one is of whatever folder the process works in: the same model would be another file.
    """
    logger = logging.getLogger("mlflow")
    level, detects = logger.level, os.environ.get(DETECTS)
    logger.setLevel(logging.ERROR)
    os.environ[DETECTS] = "false"
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="(?s).*integer column", category=UserWarning)
            yield
    finally:
        logger.setLevel(level)
        os.environ.pop(DETECTS)
        os.environ.update({} if detects is None else {DETECTS: detects})
