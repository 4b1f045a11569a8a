"""What moves while nobody looks: inputs, and how good a champion is."""

from atoll.monitoring.decay import decay
from atoll.monitoring.drift import drift

__all__ = ["decay", "drift"]
