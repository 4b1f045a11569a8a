"""A project's definitions, with what the platform adds to them."""

import warnings
from importlib import import_module
from pathlib import Path

import dagster as dg

from atoll.automation.conditions import automation_sensor, has_conditions
from atoll.configuration import settings
from atoll.definition_errors import explain
from atoll.errors import UserError
from atoll.io_manager import StoreIOManager
from atoll.report import progress
from atoll.storage.columns import CONTRACT
from atoll.tracking.records import KIND
from atoll.tracking.resource import Tracking


def definitions(file: str) -> dg.Definitions:
    """Load the ``defs`` folder beside a project's ``definitions.py``, as ``dg`` does, and add the platform's part.

    The part is the store as the resource ``io_manager``, notes for MLflow as ``tracking``, the in-process executor, and
    the sensor for automation conditions, on or off as the settings say; where the project's own definitions name
    another one, theirs stays.

    Args:
        file: ``__file__`` of ``definitions.py``; its package is the code location.

    Raises:
        UserError: There is no ``defs`` folder, a ``defs.yaml`` is not valid, an asset key does not start with the
            location's name, an asset of another location has no contract, or a setting is not valid: that shows here,
            not in the first run.
    """
    package = Path(file).resolve().parent
    if not (package / "defs").is_dir():
        raise UserError(
            f"The code location {package.name} has no definitions.",
            f"There is no folder {package / 'defs'}.",
            "Make it, with one module of assets per noun.",
        )
    # Dagster uses what it calls beta where a `defs.yaml` is loaded; that is nothing that a project could change.
    warnings.filterwarnings("ignore", category=dg.BetaWarning, module=r"dagster\.")
    with warnings.catch_warnings():
        for kind in (dg.PreviewWarning, dg.BetaWarning):
            warnings.simplefilter("ignore", kind)
        loaded = _load(package)
    chosen, sensors = settings(), []
    _check_keys(loaded, package.name)
    store = StoreIOManager(tracked=_find_tracked(loaded))
    resources = {"io_manager": store, "tracking": Tracking(), **(loaded.resources or {})}
    loggers = {"console": dg.colored_console_logger, "progress": progress, **(loaded.loggers or {})}
    executor = loaded.executor or dg.in_process_executor
    if has_conditions(loaded):
        sensors = [automation_sensor(package.name, chosen.automation, chosen.sensor_interval)]
    own = dg.Definitions(sensors=sensors, resources=resources, loggers=loggers, executor=executor)
    return dg.Definitions.merge(loaded, own)


def _load(package: Path) -> dg.Definitions:
    try:
        return dg.ComponentTree.from_module(import_module(f"{package.name}.defs"), package).build_defs()
    except Exception as error:
        explained = explain(error, package)
        if explained is None:
            raise
        raise explained from error


def _find_tracked(loaded: dg.Definitions) -> list[str]:
    """List the assets of the kind ``mlflow``."""
    graph = loaded.resolve_asset_graph()
    keys = sorted(graph.materializable_asset_keys)
    return [key.to_user_string() for key in keys if KIND in graph.get(key).kinds]


def _check_keys(loaded: dg.Definitions, location: str) -> None:
    """Refuse keys of own assets outside the location, and assets of other locations without their contract.

    Dagster takes a key that nobody explains for an asset without partitions, and loads the wrong data in silence.
    """
    graph = loaded.resolve_asset_graph()
    for key in sorted(graph.executable_asset_keys):
        if key.path[0] != location or len(key.path) == 1:
            raise UserError(
                f"The key of the asset {key.to_user_string()} does not start with {location}/.",
                "Keys are global, and two projects may both have an asset of that name.",
                f'Give the asset key_prefix="{location}".',
            )
    for key in sorted(graph.get_all_asset_keys() - graph.executable_asset_keys):
        if key.path[0] != location and CONTRACT not in graph.get(key).metadata:
            raise UserError(
                f"{location} reads {key.to_user_string()} without its contract.",
                "Nothing says which partitions and columns that asset of another code location has.",
                f'Take it: FLIGHTS = take("{key.to_user_string()}", "{location}"), see docs/handover.md.',
            )
