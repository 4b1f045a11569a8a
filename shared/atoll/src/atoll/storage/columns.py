"""Columns that were promised, held against those that are there."""

from collections.abc import Iterator, Mapping

CONTRACT = "atoll/contract"
"""Metadata of an asset that was taken from another code location: its contract."""

SCHEMA = "dagster/column_schema"
"""Metadata of an asset that says its columns; Dagster's own."""


def compare_columns(promised: Mapping[str, str], found: Mapping[str, str]) -> Iterator[str]:
    """Say what breaks a promise; columns that were not promised break none.

    Args:
        promised: Canonical Arrow type by name.
        found: The same of what is stored.
    """
    for name, kind in promised.items():
        if name not in found:
            yield f"column `{name}` is missing"
        elif found[name] != kind:
            yield f"column `{name}` is {found[name]}, not {kind}"
