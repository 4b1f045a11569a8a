"""Where the assets of one pipeline are."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import dagster as dg

LOCATION = "vehicle_prices"
OWNERS = ["team:data-science"]
WEEKLY = dg.FreshnessPolicy.time_window(warn_window=timedelta(days=8), fail_window=timedelta(days=15))


@dataclass(frozen=True)
class Place:
    """The keys and the group of one pipeline: the location's own, or those of a name below it.

    Within its group an asset is taken by the last part of its key. `file` is the `defs.yaml`, for people.
    """

    name: str | None
    file: str

    @property
    def prefix(self) -> list[str]:
        """What the pipeline's keys start with."""
        return [LOCATION, self.name] if self.name else [LOCATION]

    @property
    def group(self) -> str:
        """The pipeline's group."""
        return "_".join(self.prefix)

    def label(self, name: str) -> str:
        """Name a job or a schedule, which share their names with those of the other pipelines."""
        return f"{name}_{self.name}" if self.name else name

    def asset(self, **options: Any) -> Callable[[Callable[..., Any]], dg.AssetsDefinition]:
        """Make a function an asset of this pipeline; options are those of `dg.asset`."""
        return dg.asset(key_prefix=self.prefix, group_name=self.group, owners=OWNERS, **options)
