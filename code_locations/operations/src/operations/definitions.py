"""The code location `operations`."""

from atoll import definitions

defs = definitions(__file__)
