"""The code location `product_recommendations`."""

from atoll import definitions

defs = definitions(__file__)
