"""The day that it is for the platform."""

from datetime import date, datetime, timezone

from atoll.configuration import read_settings


def today() -> date:
    """The setting ``today``, which a replay moves; without it, the real day in UTC. Read anew at every call.

    Raises:
        UserError: A setting is not valid.
    """
    return read_settings().today or datetime.now(timezone.utc).date()
