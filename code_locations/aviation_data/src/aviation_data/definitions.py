"""The code location `aviation_data`."""

from atoll import definitions

defs = definitions(__file__)
