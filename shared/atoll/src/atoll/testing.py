"""For the tests of projects: a store of their own, what a run has made, and whether any process makes the same."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import Any

import dagster as dg
import pytest

from atoll.configuration import settings
from atoll.storage.journal import Journal
from atoll.storage.models import unpack
from atoll.storage.store import ALL, Store
from atoll.storage.values import find
from atoll.tracking.records import Record, list_pending


@contextmanager
def store_at(folder: Path) -> Generator[None]:
    """Work on the sample, in a store of its own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ATOLL_STORE", str(folder))
        patch.setenv("ATOLL_PROFILE", "sample")
        settings.cache_clear()
        try:
            yield
        finally:
            settings.cache_clear()


def read_metadata(result: dg.ExecuteInProcessResult, asset: str) -> dict[str, Any]:
    """Read what the page shows of an asset that a run has made, such as ``vehicle_prices/model``."""
    (made,) = result.asset_materializations_for_node(asset.replace("/", "__"))
    return {label: entry.value for label, entry in made.metadata.items()}


def list_failed_checks(result: dg.ExecuteInProcessResult) -> set[tuple[str, str]]:
    """List the checks that failed in a run, as the name of the asset within its location and that of the check."""
    found = result.get_asset_check_evaluations()
    return {("/".join(check.asset_key.path[1:]), check.check_name) for check in found if not check.passed}


def list_records(result: dg.ExecuteInProcessResult) -> dict[str, Record]:
    """List what a run has recorded for MLflow, by the name of the asset within its location."""
    found = list_pending(Journal(settings().store))
    return {record.asset.partition("/")[2]: record for record in found if record.run_id == result.run_id}


def list_versions(*assets: str, partition: str | None = None) -> dict[str, dict[str, str]]:
    """List the data versions that assets have in the store, as a manifest names its inputs."""
    store = Store(settings().store)
    return {key: {partition or ALL: find(store, key, partition).manifest.data_version} for key in assets}


def load_pyfunc(result: dg.ExecuteInProcessResult, asset: str, folder: Path) -> Any:
    """Load a model as MLflow reads it, a ``mlflow.pyfunc.PyFuncModel``; it is unpacked into a folder."""
    import mlflow.pyfunc

    unpack(Path(read_metadata(result, asset)["path"]), folder)
    return mlflow.pyfunc.load_model(str(folder))


def train_in_two_processes(
    asset: str, configurations: Sequence[Mapping[str, Any]], folder: Path, partition: str | None = None
) -> tuple[list[str], list[str]]:
    """Make an asset in two processes, each with a copy of the store, a hash seed and a number of threads of its own.

    Args:
        asset: Its key; it is made once with each configuration, from what is in the store.
        configurations: Of the asset, as in the launchpad.
        folder: Where the copies are made.
        partition: The partition to make.

    Returns:
        The checksums that each process came to, in the order of the configurations.

    Raises:
        subprocess.CalledProcessError: One of them failed.
    """
    made = []
    for number in ("1", "2"):
        copied = shutil.copytree(settings().store, folder / number)
        environment = {**os.environ, "ATOLL_STORE": copied, "PYTHONHASHSEED": number}
        environment |= {"OMP_NUM_THREADS": number, "OPENBLAS_NUM_THREADS": number}
        command = [sys.executable, "-m", __name__, json.dumps([asset, partition, *configurations])]
        made.append(subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True))
    one, other = ((process, process.communicate()[0].split()) for process in made)
    for process, _ in (one, other):
        if process.returncode:
            raise subprocess.CalledProcessError(process.returncode, process.args)
    return one[1], other[1]


def list_domain_modules(package: str) -> list[str]:
    """List the modules of a project that import no Dagster."""
    found = (module.name for module in iter_modules(import_module(package).__path__))
    return [f"{package}.{name}" for name in found if name not in ("components", "definitions", "defs")]


def list_loaded_modules(statements: str) -> set[str]:
    """List the modules that a new process has loaded after some statements."""
    command = [sys.executable, "-c", f"{statements}\nimport sys\nprint(*sys.modules)"]
    return set(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.split())


def _train(asset: str, partition: str | None, *configurations: Mapping[str, Any]) -> None:
    key = dg.AssetKey.from_user_string(asset)
    job = import_module(f"{key.path[0]}.definitions").defs.resolve_implicit_global_asset_job_def()
    alone = job.get_subset(asset_selection={key}, asset_check_selection=set())
    for configuration in configurations:
        config = {"ops": {"__".join(key.path): {"config": configuration}}}
        alone.execute_in_process(run_config=config, partition_key=partition)
        sys.stdout.write(f"{find(Store(settings().store), asset, partition).manifest.checksum}\n")


if __name__ == "__main__":
    _train(*json.loads(sys.argv[1]))
