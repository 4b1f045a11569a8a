"""`history`: what was deployed to an environment, when, by whom and why."""

from dataclasses import asdict
from datetime import datetime
from typing import Any

from atoll_control.console import BAD, GOOD, say, show_json, show_table
from atoll_control.deployment.difference import list_changes
from atoll_control.deployment.history import DONE, FAILED, RUNNING, Deployment, History
from atoll_control.deployment.server import Server
from atoll_control.files import Checkout
from atoll_control.workflows.replacement import is_locked

IN_PROGRESS, STOPPED = "in progress", "stopped midway"


def show_history(checkout: Checkout, name: str, *, last: int, as_json: bool) -> int:
    """Show the last deployments, the newest first."""
    server = Server(checkout, name)
    deployments = History(server.folder / "history").list()[:last]
    # Only the newest can be: each holds the lock until it ends.
    goes_on = bool(deployments) and deployments[0].outcome == RUNNING and is_locked(server)
    outcomes = [_tell(deployment, goes_on and not place) for place, deployment in enumerate(deployments)]
    if as_json:
        show_json([_describe(*pair) for pair in zip(deployments, outcomes, strict=True)])
    elif deployments:
        rows = [_row(*pair) for pair in zip(deployments, outcomes, strict=True)]
        show_table(("", "when", "verb", "by", "why", "what", "of", "outcome"), rows)
    else:
        say(f"nothing was deployed to {name} yet")
    return 0


def _tell(deployment: Deployment, goes_on: bool) -> str:
    if deployment.outcome != RUNNING:
        return deployment.outcome
    return IN_PROGRESS if goes_on else STOPPED


def _describe(deployment: Deployment, outcome: str) -> dict[str, Any]:
    changes = [asdict(change) for change in list_changes(deployment.before, deployment.release)]
    return {
        "began": deployment.began.isoformat(),
        "ended": deployment.ended and deployment.ended.isoformat(),
        **{key: getattr(deployment, key) for key in ("verb", "author", "reason", "source")},
        "outcome": outcome,
        "failed": dict(deployment.failed),
        "changes": changes,
        "release": {part: asdict(released) for part, released in deployment.release.items()},
    }


def _row(deployment: Deployment, outcome: str) -> tuple[str, ...]:
    failed = "; ".join(f"{part}: {why}" for part, why in deployment.failed.items())
    return (
        {DONE: GOOD, FAILED: BAD, STOPPED: BAD}.get(outcome, ""),
        _time(deployment.began),
        deployment.verb,
        deployment.author,
        deployment.reason,
        _what(deployment),
        deployment.source if " " in deployment.source else deployment.source[:8],
        f"{outcome}: {failed}" if failed else outcome,
    )


def _what(deployment: Deployment) -> str:
    if not deployment.before:
        return f"{len(deployment.release)} parts, for the first time"
    return ", ".join(map(str, list_changes(deployment.before, deployment.release))) or "no other image"


def _time(moment: datetime) -> str:
    return moment.astimezone().strftime("%Y-%m-%d %H:%M:%S")
