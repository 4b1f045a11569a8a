"""`models`: versions, aliases and decisions of a project's registered models, and the way back to an earlier one."""

from datetime import datetime
from typing import Any

from rich.markup import escape

from atoll_control.author import find_author
from atoll_control.console import BAD, GOOD, out, say, show_json, show_table
from atoll_control.errors import UserError
from atoll_control.files import Checkout
from atoll_control.places import Place, find_place
from atoll_control.projects import Project, select_projects

FULL = "full"
# Seconds until MLflow's alias has to follow.
PATIENCE = 60

VERSIONS = ("version", "alias", "trained for", "trained at", "metric", "its own", "champion's", "gain", "interval", "")
DECISIONS = ("", "decided at", "of", "outcome", "asked by", "why")


def show_models(
    checkout: Checkout, location: str, profile: str | None, *, as_json: bool, environment: str | None = None
) -> int:
    """Show each model of a location: its versions with figures and aliases, and what was decided, the newest last."""
    place = find_place(checkout, environment)
    select_projects(checkout, [location])
    found = place.inspect("models", location, profile=profile)
    if as_json:
        show_json(found)
        return 0
    if not found:
        run, other = (f"{location} --full", "sample") if profile == FULL else (location, FULL)
        raise UserError(
            f"{location} has no registered model.",
            f"Nothing has reached the gate yet in the profile {profile or 'of the settings'}.",
            f"./atoll run {run}{place.option}, or name another profile: --profile {other}",
        )
    for model in found:
        out.print(f"[bold]{escape(model['name'])}[/] ({model['profile']})")
        show_table(VERSIONS, [_describe(version) for version in model["versions"]])
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
        version["outcome"],
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


def roll_back(
    checkout: Checkout,
    location: str,
    to: int | None,
    why: str | None,
    name: str | None,
    *,
    dry_run: bool,
    as_json: bool,
    environment: str | None = None,
) -> int:
    """Make an earlier version champion, and confirm it where MLflow runs; return 1 where that cannot be confirmed."""
    place = find_place(checkout, environment)
    (project,) = select_projects(checkout, [location])
    model = _choose_model(place, location, name)
    options = {"to": to, "who": find_author(checkout), "why": why}
    given = [f"--{option}={value}" for option, value in options.items() if value is not None]
    done = place.ask(project, "rollback", model, *given, *(["--dry-run"] if dry_run else []))
    tracking = None if dry_run else place.tracking()
    confirmed = _confirm(place, project, model, done["champion"], tracking) if tracking else None
    if as_json:
        show_json({**done, "confirmed": confirmed})
    else:
        _tell_rollback(done, confirmed, dry_run=dry_run)
    return 1 if confirmed is False else 0


def _choose_model(place: Place, location: str, name: str | None) -> str:
    names = [model["name"] for model in place.inspect("models", location, profile=FULL)]
    if name in names or (name is None and len(names) == 1):
        return name or names[0]
    if not names:
        raise UserError(
            f"{location} has no registered model.",
            f"Nothing has reached the gate yet in the profile {FULL}.",
            f"./atoll run {location} --full{place.option}",
        )
    raise UserError(
        f"{location} has no model {name}." if name else f"{location} has several models.",
        f"It has {', '.join(names)}.",
        f"name one: ./atoll models rollback {location} --model {names[0]}{place.option}",
    )


def _confirm(place: Place, project: Project, model: str, version: int, tracking: str) -> bool:
    """Wait until MLflow's alias is there, and load the model by it in the project's environment."""
    command = ("atoll.commands.confirmation", model, str(version), tracking, f"--patience={PATIENCE}")
    return place.python(project, "-m", *command).code == 0


def _tell_rollback(done: dict[str, Any], confirmed: bool | None, *, dry_run: bool) -> None:
    about = f" (trained for {done['trained_for']})" if done["trained_for"] else ""
    before = "none" if done["before"] is None else f"version {done['before']}"
    if dry_run:
        say(f"would make version {done['champion']}{about} champion of {done['model']}; now it is {before}")
        return
    say(f"version {done['champion']}{about} is champion of {done['model']}; before it was {before}", GOOD)
    if confirmed:
        say("MLflow's alias champion names it, and it was loaded by that", GOOD)
    elif confirmed is None:
        say("MLflow does not run: its alias follows when ./atoll dev does; predictions use the version from now on")
    else:
        say(f"MLflow's alias champion did not follow within {PATIENCE} s, or what it names does not load", BAD)
        say("the sensor tracking of operations says why, in the page; predictions use the version from now on")
