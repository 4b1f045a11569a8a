"""Where the platform is that a verb acts on: this checkout on a laptop, or an environment of the server."""

from atoll_control.files import Checkout
from atoll_control.places.place import Place

__all__ = ["Place", "find_place"]


def find_place(checkout: Checkout, environment: str | None) -> Place:
    """Return the environment of that name, or the checkout itself where none is named.

    Raises:
        UserError: there is no such environment.
    """
    if environment is None:
        from atoll_control.places.laptop import Laptop

        return Laptop(checkout)
    from atoll_control.deployment.server import Server
    from atoll_control.places.installation import Installation

    return Installation(checkout, Server(checkout, environment))
