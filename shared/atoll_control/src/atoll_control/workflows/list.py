"""`list`: which code locations there are."""

from atoll_control.console import BAD, GOOD, show_json, show_table
from atoll_control.files import Checkout
from atoll_control.places import find_place

# The last column is the cure, and says so by itself.
TITLES = {"name": "location", "how": ""}
# For scripts.
UNSEEN = {"ready", "why"}


def list_locations(checkout: Checkout, *, as_json: bool, environment: str | None = None) -> int:
    """Show each location, whether it can start or is loaded, with the cure where it is not."""
    rows = find_place(checkout, environment).list_locations()
    if as_json:
        show_json(rows)
        return 0
    names = [name for row in rows[:1] for name in row if name not in UNSEEN]
    show_table(
        ("", *(TITLES.get(name, name) for name in names)),
        [(GOOD if row["ready"] else BAD, *(row[name] for name in names)) for row in rows],
    )
    return 0
