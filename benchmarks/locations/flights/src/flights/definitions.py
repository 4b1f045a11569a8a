"""The code location `flights`."""

from atoll import definitions

defs = definitions(__file__)
