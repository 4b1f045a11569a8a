"""The clock: the record that a replay writes and every process of the platform reads."""

import json
from datetime import date

from atoll_control.files import Checkout, write_atomically


def move_clock(checkout: Checkout, today: date, profile: str | None = None) -> None:
    """Say in a checkout what day it is, and which profile is worked on while a replay lasts."""
    write_atomically(checkout.state / "clock.json", render_clock(today, profile))


def render_clock(today: date, profile: str | None = None) -> str:
    """Return the record."""
    return json.dumps({"today": today.isoformat()} | ({"profile": profile} if profile else {})) + "\n"
