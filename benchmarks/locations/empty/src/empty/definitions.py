"""The code location `empty`."""

from atoll import definitions

defs = definitions(__file__)
