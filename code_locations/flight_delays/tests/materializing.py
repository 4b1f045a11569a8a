"""Runs of this code location on made-up weeks, with a store, an instance and settings of their own."""

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import dagster as dg
import made_up
import pytest

from atoll import settings
from atoll.io_manager import StoreIOManager
from atoll.journal import Journal
from atoll.tracking import Record, list_pending
from flight_delays.definitions import defs
from flight_delays.defs.location import WEEKS

WEEKLY = ["outcomes", "features", "examples"]
MODELS = ["training_set", "baseline", "model", "held_out", "champion", "predictions", "evaluation"]


def lend(name: str, **options: Any):
    """A stand-in for an asset of `aviation_data` that makes up its table."""

    @dg.asset(name=name, key_prefix="aviation_data", **options)
    def lent(context: dg.AssetExecutionContext):
        make = getattr(made_up, name)
        return make(context.partition_key) if context.has_partition_key else make()

    return lent


REFERENCE = [lend(name) for name in ("planes", "airlines", "airports")]
ARRIVING = [lend(name, partitions_def=WEEKS) for name in ("flights", "weather")]


@contextmanager
def store_at(path: Path) -> Generator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ATOLL_STORE", str(path))
        patch.setenv("ATOLL_PROFILE", "sample")
        settings.cache_clear()
        yield
    settings.cache_clear()


def receive(week: str | None, instance: dg.DagsterInstance) -> None:
    lent = REFERENCE if week is None else ARRIVING
    dg.materialize(lent, partition_key=week, instance=instance, resources={"io_manager": StoreIOManager()})


def make(
    names: list[str], week: str | None, instance: dg.DagsterInstance, config: dict | None = None
) -> dg.ExecuteInProcessResult:
    keys = [dg.AssetKey(["flight_delays", name]) for name in names]
    return defs.resolve_implicit_global_asset_job_def().execute_in_process(
        instance=instance,
        partition_key=week,
        asset_selection=keys,
        raise_on_error=False,
        run_config=None if config is None else {"ops": {"flight_delays__model": {"config": config}}},
    )


def metadata(result: dg.ExecuteInProcessResult, name: str) -> dict:
    (event,) = result.asset_materializations_for_node(f"flight_delays__{name}")
    return {label: entry.value for label, entry in event.metadata.items()}


def list_records(result: dg.ExecuteInProcessResult) -> dict[str, Record]:
    """What a run has recorded for MLflow, by the name of the asset."""
    found = list_pending(Journal(settings().store))
    return {record.asset.partition("/")[2]: record for record in found if record.run_id == result.run_id}


def failed(result: dg.ExecuteInProcessResult) -> set[tuple[str, str]]:
    checks = result.get_asset_check_evaluations()
    return {(check.asset_key.path[1], check.check_name) for check in checks if not check.passed}


def load(name: str, week: str | None = None) -> Any:
    return defs.load_asset_value(["flight_delays", name], partition_key=week)
