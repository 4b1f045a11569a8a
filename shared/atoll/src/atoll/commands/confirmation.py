"""Whether MLflow has followed a decision: ``python -m atoll.commands.confirmation MODEL VERSION TRACKING``."""

import argparse
import os
import sys
import time

# The alias of the version that predicts, and the tag with our number of it.
ALIAS, VERSION = "champion", "atoll/version"
PAUSE = 1.0


def main() -> int:
    """Exit 0 where the alias names the version within some time and what it names loads here, else 1."""
    parser = argparse.ArgumentParser(prog="python -m atoll.commands.confirmation", description=__doc__)
    parser.add_argument("model", help="name of the registered model")
    parser.add_argument("version", help="our number of its version")
    parser.add_argument("tracking", help="URI of MLflow")
    parser.add_argument("--patience", type=float, default=60.0, help="seconds to wait for the alias")
    options = parser.parse_args()
    return 0 if confirm(options.model, options.version, options.tracking, options.patience) else 1


def confirm(model: str, version: str, tracking: str, patience: float) -> bool:
    """Wait until the alias ``champion`` of a model names a version, and load the model by it.

    Args:
        model: Name of the registered model.
        version: The version, by our number.
        tracking: URI of MLflow.
        patience: Seconds to wait for the alias.

    Returns:
        Whether it names it. A model that does not load raises what it raises.
    """
    # It is asked again here, and sooner.
    os.environ["MLFLOW_HTTP_REQUEST_MAX_RETRIES"] = "0"
    import mlflow

    mlflow.set_tracking_uri(tracking)
    deadline = time.monotonic() + patience
    while _read_alias(model) != version:
        if time.monotonic() > deadline:
            return False
        time.sleep(PAUSE)
    mlflow.pyfunc.load_model(f"models:/{model}@{ALIAS}")
    return True


def _read_alias(model: str) -> str | None:
    from mlflow import MlflowClient
    from mlflow.exceptions import MlflowException

    try:
        return MlflowClient().get_model_version_by_alias(model, ALIAS).tags.get(VERSION)
    except MlflowException:
        return None


if __name__ == "__main__":
    sys.exit(main())
