"""`models`: versions, aliases and decisions of a project's registered models."""

from datetime import datetime
from typing import Any

from rich.markup import escape

from atoll_control.console import out, show_json, show_table
from atoll_control.errors import UserError
from atoll_control.files import Checkout
from atoll_control.inspection import inspect_store
from atoll_control.projects import select_projects

VERSIONS = ("version", "alias", "trained for", "trained at", "metric", "its own", "champion's", "gain", "interval", "")
DECISIONS = ("", "decided at", "of", "outcome", "asked by", "why")


def show_models(checkout: Checkout, location: str, profile: str | None, *, as_json: bool) -> int:
    """Show each model of a location: its versions with figures and aliases, and what was decided, the newest last."""
    select_projects(checkout, [location])
    found = inspect_store(checkout, "models", location, profile=profile)
    if as_json:
        show_json(found)
        return 0
    if not found:
        raise UserError(
            f"{location} has no registered model.",
            f"Nothing has reached the gate yet in the profile {profile or 'of the settings'}.",
            f"./atoll run {location}, or name another profile: --profile full",
        )
    for model in found:
        out.print(f"[bold]{escape(model['name'])}[/] ({model['profile']})")
        outcomes = {decision["challenger"]: decision["outcome"] for decision in model["decisions"]}
        show_table(
            VERSIONS, [(*_describe(version), outcomes.get(version["version"], "")) for version in model["versions"]]
        )
        show_table(DECISIONS, [_tell(decision) for decision in model["decisions"]], title="")
    return 0


def _describe(version: dict[str, Any]) -> tuple[Any, ...]:
    figures = version["figures"]
    interval = "" if figures["gain_low"] is None else f"{figures['gain_low']:+.3g} to {figures['gain_high']:+.3g}"
    return (
        version["version"],
        " ".join(version["aliases"]),
        version["partition"],
        _time(version["created"]),
        figures["metric"],
        *(_number(figures[name]) for name in ("challenger", "champion")),
        _number(figures["gain"], "+"),
        interval,
    )


def _tell(decision: dict[str, Any]) -> tuple[Any, ...]:
    asked = decision["asked"]
    who = " ".join(filter(None, [asked.get("by"), asked.get("name"), asked.get("who")]))
    about = f"version {decision['challenger']}"
    return decision["number"], _time(decision["time"]), about, decision["outcome"], who, decision["reason"]


def _time(text: str) -> str:
    return datetime.fromisoformat(text).astimezone().strftime("%Y-%m-%d %H:%M:%S")


def _number(value: float | None, sign: str = "") -> str:
    return "" if value is None else f"{value:{sign}.3g}"
