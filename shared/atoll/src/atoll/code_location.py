"""A project's definitions, with what the platform adds to them."""

import warnings
from importlib import import_module
from pathlib import Path

import dagster as dg

from atoll.configuration import settings
from atoll.errors import UserError
from atoll.io_manager import StoreIOManager
from atoll.report import progress


def definitions(file: str) -> dg.Definitions:
    """Load the ``defs`` folder beside a project's ``definitions.py``, as ``dg`` does, and add the platform's part.

    The part is the store as the resource ``io_manager`` and the in-process executor; where the project's own
    definitions name another one, theirs stays.

    Args:
        file: ``__file__`` of ``definitions.py``; its package is the code location.

    Raises:
        UserError: There is no ``defs`` folder, an asset key does not start with the location's name, or a setting is
            not valid: that shows here rather than in the first run.
    """
    package = Path(file).resolve().parent
    if not (package / "defs").is_dir():
        raise UserError(
            f"The code location {package.name} has no definitions.",
            f"There is no folder {package / 'defs'}.",
            "Make it, with one module of assets per noun.",
        )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", dg.PreviewWarning)
        loaded = dg.ComponentTree.from_module(import_module(f"{package.name}.defs"), package).build_defs()
    settings()
    _check_keys(loaded, package.name)
    resources = {"io_manager": StoreIOManager(), **(loaded.resources or {})}
    loggers = {"console": dg.colored_console_logger, "progress": progress, **(loaded.loggers or {})}
    executor = loaded.executor or dg.in_process_executor
    return dg.Definitions.merge(loaded, dg.Definitions(resources=resources, loggers=loggers, executor=executor))


def _check_keys(loaded: dg.Definitions, location: str) -> None:
    """Refuse keys of own assets outside the location; assets of other locations may be named as dependencies."""
    for key in sorted(loaded.resolve_asset_graph().executable_asset_keys):
        if key.path[0] != location or len(key.path) == 1:
            raise UserError(
                f"The key of the asset {key.to_user_string()} does not start with {location}/.",
                "Keys are global, and two projects may both have an asset of that name.",
                f'Give the asset key_prefix="{location}".',
            )
