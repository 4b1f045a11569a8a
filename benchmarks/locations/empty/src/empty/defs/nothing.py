"""The only asset."""

import dagster as dg


@dg.asset(key_prefix="empty")
def nothing() -> None:
    """Do nothing."""
