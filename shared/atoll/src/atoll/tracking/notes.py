"""What code notes while it works, by MLflow's names: parameters, metrics step by step, figures."""

from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass
class Notes:
    """Parameters by name, ``(step, value)`` of metrics in the order in which they were noted, PNG files in base64."""

    parameters: dict[str, Any] = field(default_factory=dict)
    history: dict[str, list[tuple[int, float]]] = field(default_factory=dict)
    plots: dict[str, str] = field(default_factory=dict)

    @property
    def metrics(self) -> dict[str, float]:
        """The last value of each metric."""
        return {key: values[-1][1] for key, values in self.history.items()}

    def log_param(self, key: str, value: Any) -> None:
        """Note a parameter."""
        self.parameters[key] = value

    def log_params(self, params: Mapping[str, Any]) -> None:
        """Note several parameters."""
        self.parameters.update(params)

    def log_metric(self, key: str, value: float, step: int = 0) -> None:
        """Note the value of a metric, at a step of the training where it has several."""
        self.history.setdefault(key, []).append((step, float(value)))

    def log_metrics(self, metrics: Mapping[str, float], step: int = 0) -> None:
        """Note the values of several metrics."""
        for key, value in metrics.items():
            self.log_metric(key, value, step)

    def log_figure(self, figure: "Figure", name: str) -> None:
        """Note a figure; it is not closed."""
        from atoll.plots import draw

        self.plots[name] = b64encode(draw(figure)).decode()
