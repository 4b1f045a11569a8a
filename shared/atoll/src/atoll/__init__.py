"""What every project of the platform shares.

Names are loaded when they are first used: ``import atoll`` brings neither Dagster nor a data library.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from atoll.clock import today as today
    from atoll.code_location import definitions as definitions
    from atoll.configuration import Settings as Settings
    from atoll.configuration import settings as settings
    from atoll.errors import UserError as UserError
    from atoll.logging import logger as logger
    from atoll.plots import plot as plot
    from atoll.storage.values import load as load
    from atoll.tracking.experiments import tracked as tracked
    from atoll.tracking.resource import Tracking as Tracking

__version__ = "0.1.0"
__all__ = ["Settings", "Tracking", "UserError", "definitions", "load", "logger", "plot", "settings", "today", "tracked"]

_HOMES = {
    "Settings": "configuration",
    "Tracking": "tracking.resource",
    "UserError": "errors",
    "definitions": "code_location",
    "load": "storage.values",
    "logger": "logging",
    "plot": "plots",
    "settings": "configuration",
    "today": "clock",
    "tracked": "tracking.experiments",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
