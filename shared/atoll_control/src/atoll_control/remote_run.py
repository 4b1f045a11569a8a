"""A run on a server: planned by the library in the project's container, launched through the page, waited for."""

import time
from collections.abc import Callable
from typing import Any

from atoll_control.console import BAD, err, say
from atoll_control.graphql import Page
from atoll_control.projects import Project

POLL = 1.0
ENDED = {"SUCCESS", "FAILURE", "CANCELED"}
# The library puts it on runs of `./atoll run` too.
WHO = "atoll/who"


def materialize(
    page: Page,
    ask: Callable[..., Any],
    project: Project,
    *,
    select: str,
    partition: str | None,
    who: str,
    dry_run: bool,
) -> tuple[int, dict[str, Any] | None]:
    """Materialize assets, one run after the other where there are several partitions.

    Args:
        page: The server's page.
        ask: Asks a command of the library in the project's container: `ask(project, command, *arguments)`.
        project: Whose assets.
        select: Which assets, in Dagster's selection syntax.
        partition: A partition's key, or FROM..TO.
        who: Who asks.
        dry_run: Whether to stop before anything is launched.

    Returns:
        The exit code (0 success, 1 a run failed) and the summary, as of a run on a laptop; None where the command was
        interrupted, which ends no run.

    Raises:
        UserError: what the library or Dagster found to be mended before the run.
    """
    chosen = ["--select", select, *(["--partition", partition] if partition is not None else [])]
    plan = ask(project, "materialize", project.module, *chosen, "--dry-run", "--summary", "-")
    if dry_run:
        return 0, plan
    run_ids: list[str] = []
    try:
        for number, run in enumerate(plan["runs"], 1):
            if len(plan["runs"]) > 1:
                say(f"{run['partition']} ({number} of {len(plan['runs'])})")
            keys = [tuple(key.split("/")) for key in run["assets"]]
            run_ids.append(page.launch(project.name, keys, {**run["tags"], WHO: who}))
            say(_locate(page, run_ids[-1]))
            _wait(page, run_ids[-1])
    except KeyboardInterrupt:
        for run_id in run_ids[-1:]:
            say(f"it goes on without this command: {_locate(page, run_id)}", BAD)
        return 1, None
    summary = ask(project, "report", *run_ids)
    for run in summary.get("runs", [summary]):
        if run["error"]:
            say(run["error"], BAD)
    return 0 if summary["success"] else 1, summary


def _locate(page: Page, run_id: str) -> str:
    return f"{page.address}/runs/{run_id}"


def _wait(page: Page, run_id: str) -> None:
    with err.status("launched") as shown:
        while (status := page.patiently(lambda: page.run_status(run_id))) not in ENDED:
            shown.update(status.lower().replace("_", " "))
            time.sleep(POLL)
