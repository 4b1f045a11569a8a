"""The command `./atoll` and what Dagster's webserver and daemon need of Atoll."""

__version__ = "0.1.0"
