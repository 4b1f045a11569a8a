"""The instance: one `dagster.yaml`, and the same state whoever starts Dagster."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from atoll_control.files import Checkout, write_atomically

if TYPE_CHECKING:
    from dagster import DagsterInstance


def prepare_dagster_home(checkout: Checkout) -> Path:
    """Write the root's `dagster.yaml` with absolute paths where processes with another working folder find it.

    Returns:
        The folder for `DAGSTER_HOME`.
    """
    config = yaml.safe_load((checkout.root / "dagster.yaml").read_text(encoding="utf-8"))
    text = yaml.safe_dump(_with_absolute_base_dirs(config, checkout.root), sort_keys=False)
    target = checkout.dagster_home / "dagster.yaml"
    if not target.is_file() or target.read_text(encoding="utf-8") != text:
        write_atomically(target, text)
    return checkout.dagster_home


def _with_absolute_base_dirs(value: Any, root: Path) -> Any:
    if not isinstance(value, dict):
        return value
    return {
        key: str(root / entry) if key == "base_dir" else _with_absolute_base_dirs(entry, root)
        for key, entry in value.items()
    }


def open_instance(checkout: Checkout) -> "DagsterInstance":
    """Open the checkout's instance, creating its tables where there are none."""
    from dagster import DagsterInstance

    return DagsterInstance.from_config(str(prepare_dagster_home(checkout)))


def initialise_instance(checkout: Checkout) -> None:
    """Create the instance's tables before anything runs.

    Several processes that meet a fresh SQLite file race to create them, and one can crash.
    """
    prepare_dagster_home(checkout)
    mark = checkout.state / "instance" / "storage" / "initialised"
    if mark.is_file():
        return
    from dagster import RunsFilter

    with open_instance(checkout) as instance:
        instance.get_runs(RunsFilter(), limit=1)
        instance.all_asset_keys()
        instance.all_instigator_state()
    write_atomically(mark, "")
