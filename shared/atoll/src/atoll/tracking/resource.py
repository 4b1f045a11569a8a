"""A resource by which an asset notes what it does while it works."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import dagster as dg

from atoll.tracking.notes import Notes
from atoll.tracking.steps import find_step

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class Tracking(dg.ConfigurableResource):
    """Notes for the MLflow run of the asset that uses it, by MLflow's names.

    Every project has it as the resource ``tracking``. What is noted goes into the record of the materialization, if the
    asset is of the kind ``mlflow``; nothing waits for MLflow.
    """

    def log_param(self, key: str, value: Any) -> None:
        """Note a parameter."""
        self._notes().log_param(key, value)

    def log_params(self, params: Mapping[str, Any]) -> None:
        """Note several parameters."""
        self._notes().log_params(params)

    def log_metric(self, key: str, value: float, step: int = 0) -> None:
        """Note the value of a metric, at a step of the training where it has several."""
        self._notes().log_metric(key, value, step)

    def log_metrics(self, metrics: Mapping[str, float], step: int = 0) -> None:
        """Note the values of several metrics."""
        self._notes().log_metrics(metrics, step)

    def log_figure(self, figure: "Figure", name: str) -> None:
        """Note a figure; it is not closed."""
        self._notes().log_figure(figure, name)

    def _notes(self) -> Notes:
        context = dg.OpExecutionContext.get()
        return find_step(context.run_id, context.get_step_execution_context().step.key, context.retry_number).notes
