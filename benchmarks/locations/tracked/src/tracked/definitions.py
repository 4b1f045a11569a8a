"""The code location `tracked`."""

from atoll import definitions

defs = definitions(__file__)
