"""What it means that MLflow answers."""

import os
from collections.abc import Generator
from contextlib import contextmanager

from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import INTERNAL_ERROR, TEMPORARILY_UNAVAILABLE, ErrorCode

from atoll.errors import UserError
from atoll.storage.filesystems import redact

# MLflow would print the address of every run.
os.environ.setdefault("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true")
UNREACHABLE = {ErrorCode.Name(INTERNAL_ERROR), ErrorCode.Name(TEMPORARILY_UNAVAILABLE)}


class UnreachableError(UserError):
    """MLflow does not answer."""


@contextmanager
def answering(uri: str) -> Generator[None]:
    """Explain it where MLflow does not answer; what it refuses is raised as it is.

    Args:
        uri: MLflow's tracking URI.

    Raises:
        UnreachableError: MLflow does not answer.
        MlflowException: It refuses what it was asked.
    """
    try:
        yield
    except MlflowException as error:
        if error.error_code not in UNREACHABLE:
            raise
        raise UnreachableError(
            "What was tracked is not in MLflow yet.",
            f"MLflow does not answer at {redact(uri)}: {str(error).strip().splitlines()[0]}.",
            "Nothing is lost: it is sent as soon as MLflow answers.",
        ) from error
