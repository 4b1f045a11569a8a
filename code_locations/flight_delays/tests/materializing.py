"""Runs of this code location on made-up weeks, with a store, an instance and settings of their own."""

from typing import Any

import dagster as dg
import made_up

from atoll.io_manager import StoreIOManager
from atoll.testing import read_metadata
from flight_delays.definitions import defs
from flight_delays.defs.location import WEEKS

WEEKLY = ["outcomes", "features", "examples"]
MODELS = ["training_set", "baseline", "held_out", "drift", "model", "champion", "predictions", "evaluation"]


def lend(name: str, **options: Any):
    """A stand-in for an asset of `aviation_data` that makes up its table."""

    @dg.asset(name=name, key_prefix="aviation_data", **options)
    def lent(context: dg.AssetExecutionContext):
        make = getattr(made_up, name)
        return make(context.partition_key) if context.has_partition_key else make()

    return lent


REFERENCE = [lend(name) for name in ("planes", "airlines", "airports")]
ARRIVING = [lend(name, partitions_def=WEEKS) for name in ("flights", "weather")]


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
    return read_metadata(result, f"flight_delays/{name}")


def load(name: str, week: str | None = None) -> Any:
    return defs.load_asset_value(["flight_delays", name], partition_key=week)
