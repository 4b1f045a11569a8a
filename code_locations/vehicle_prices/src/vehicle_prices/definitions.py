"""The code location `vehicle_prices`."""

from atoll import definitions

defs = definitions(__file__)
