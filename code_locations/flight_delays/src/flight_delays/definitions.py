"""The code location `flight_delays`."""

from atoll import definitions

defs = definitions(__file__)
