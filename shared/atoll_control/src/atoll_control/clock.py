"""The clock of a checkout: the record that a replay writes and every process of the platform reads."""

import json
from datetime import date

from atoll_control.files import Checkout, write_atomically


def move_clock(checkout: Checkout, today: date, profile: str | None = None) -> None:
    """Say what day it is, and which profile is worked on while a replay lasts."""
    record = {"today": today.isoformat()} | ({"profile": profile} if profile else {})
    write_atomically(checkout.state / "clock.json", json.dumps(record) + "\n")
