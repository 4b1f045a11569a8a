"""`run`: materialize assets of one project without the page."""

from typing import Any

from atoll_control.console import BAD, GOOD, say, show_json, show_table
from atoll_control.files import Checkout
from atoll_control.places import find_place
from atoll_control.projects import select_projects


def run(
    checkout: Checkout,
    location: str,
    *,
    select: str,
    partition: str | None,
    full: bool,
    as_json: bool,
    dry_run: bool,
    environment: str | None = None,
) -> int:
    """Materialize and show what came of it.

    Returns:
        0 when every asset was materialized and every blocking check passed, 1 when the run failed.
    """
    place = find_place(checkout, environment)
    (project,) = select_projects(checkout, [location])
    code, summary = place.materialize(project, select=select, partition=partition, full=full, dry_run=dry_run)
    if as_json:
        show_json(summary or {"success": False})
    elif summary and dry_run:
        for planned in summary["runs"]:
            partition = f" [{planned['partition']}]" if planned["partition"] else ""
            for asset in planned["assets"]:
                say(f"would materialize {asset}{partition} (profile {summary['profile']})")
    elif summary:
        _show(summary)
    return code


def _show(summary: dict[str, Any]) -> None:
    runs = summary.get("runs", [summary])
    assets = [(asset, run["success"]) for run in runs for asset in run["assets"]]
    rows = [
        (
            # A dry run makes nothing, and that is well.
            GOOD if asset["status"] == "materialized" else "" if succeeded else BAD,
            asset["key"],
            asset.get("partition"),
            asset["status"],
            _seconds(asset.get("seconds")),
            asset.get("rows"),
        )
        for asset, succeeded in assets
    ]
    show_table(("", "asset", "partition", "status", "seconds", "rows"), rows)
    checks = [
        (GOOD if check["passed"] else BAD, check["asset"], check["name"], check["description"])
        for run in runs
        for check in run["checks"]
        if len(runs) == 1 or not check["passed"]
    ]
    if checks:
        show_table(("", "asset", "check", "says"), checks, title="")
    metrics = [
        (asset["key"], asset.get("partition"), name, _number(value))
        for asset, _ in assets
        for name, value in (asset.get("metrics") or {}).items()
    ]
    if metrics:
        show_table(("asset", "partition", "metric", "value"), metrics, title="")
    mark, word = (GOOD, "succeeded") if summary["success"] else (BAD, "failed")
    if len(runs) == 1:
        what = f"run {summary['run_id']} {word}"
    else:
        what = f"{sum(run['success'] for run in runs)} of {len(runs)} runs succeeded"
    say("")
    say(f"{what} in {_seconds(summary['seconds'])} s", mark)


def _seconds(value: float | None) -> str:
    return "" if value is None else f"{value:.1f}"


def _number(value: float) -> str:
    return f"{value:,.4g}" if abs(value) < 1000 else f"{value:,.0f}"
