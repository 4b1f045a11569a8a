"""`status`: how the containers and code locations of an environment are, and what runs."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from rich.markup import escape

from atoll_control.console import BAD, GOOD, out, show_json, show_table
from atoll_control.deployment.server import Container, Server
from atoll_control.docker import require_engine
from atoll_control.files import Checkout
from atoll_control.graphql import ActiveRun, Location

_DAEMONS = "{ instance { daemonHealth { allDaemonStatuses { daemonType required healthy } } } }"


def status(checkout: Checkout, name: str, *, as_json: bool) -> int:
    """Show each service, location and active run; return 1 when one is not well."""
    server = Server(checkout, name)
    require_engine()
    containers = server.containers()
    page = _ask_page(server) if containers else _page(f"{name} is stopped: ./atoll up {name}")
    well = _is_well(containers, page)
    if as_json:
        show_json(
            {
                "environment": name,
                "address": server.address,
                "well": well,
                "services": [{**asdict(container), "well": container.well} for container in containers],
                **{key: _plain(value) for key, value in page.items()},
            }
        )
        return 0 if well else 1
    loaded = {location.name: location for location in page["locations"]}
    if containers:
        columns = ("", "service", "state", "image", "location")
        show_table(columns, [_row(container, loaded.get(container.service)) for container in containers])
    if page["problem"]:
        out.print(f"{BAD} {escape(page['problem'])}")
    for kind in page["daemons_not_well"]:
        out.print(f"{BAD} the daemon's part {escape(kind)} has no heartbeat: ./atoll logs {escape(name)} daemon")
    if not page["problem"]:
        out.print(f"\n{len(page['active_runs'])} active runs, at {server.address}")
    return 0 if well else 1


def _ask_page(server: Server) -> dict[str, Any]:
    """Ask the page through the proxy, as everybody does."""
    try:
        page = server.page()
        parts = page.ask(_DAEMONS)["instance"]["daemonHealth"]["allDaemonStatuses"]
        sick = [part["daemonType"] for part in parts if part["required"] and not part["healthy"]]
        return _page(None, page.locations(), sick, page.active_runs())
    except (OSError, ValueError, RuntimeError) as error:
        return _page(f"the page does not answer at {server.address} as it should: {error}")


def _page(
    problem: str | None,
    locations: Sequence[Location] = (),
    daemons_not_well: Sequence[str] = (),
    active_runs: Sequence[ActiveRun] = (),
) -> dict[str, Any]:
    return {
        "problem": problem,
        "locations": list(locations),
        "daemons_not_well": list(daemons_not_well),
        "active_runs": list(active_runs),
    }


def _is_well(containers: list[Container], page: dict[str, Any]) -> bool:
    return (
        bool(containers)
        and all(container.well or container.starting for container in containers)
        and not page["problem"]
        and not page["daemons_not_well"]
        and all(location.loaded for location in page["locations"])
    )


def _plain(value: Any) -> Any:
    return [item if isinstance(item, str) else asdict(item) for item in value] if isinstance(value, list) else value


def _row(container: Container, location: Location | None) -> tuple[Any, ...]:
    name, _, digest = container.image.partition("@sha256:")
    said = "" if location is None else "loaded" if location.loaded else (location.error or "not loaded").splitlines()[0]
    well = (container.well or container.starting) and (location is None or location.loaded)
    return GOOD if well else BAD, container.service, str(container), f"{name}@{digest[:12]}".strip("@"), said
