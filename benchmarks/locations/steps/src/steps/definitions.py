"""The code location `steps`."""

from atoll import definitions

defs = definitions(__file__)
