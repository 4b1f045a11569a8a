"""A headless run: the library's `materialize` in a project's environment, as a child of the command."""

import contextlib
import json
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from atoll_control.author import find_author
from atoll_control.console import BAD, say
from atoll_control.errors import UserError
from atoll_control.files import Checkout
from atoll_control.instance import open_instance
from atoll_control.process import begin_session, clean_environment, identity
from atoll_control.projects import Project
from atoll_control.runs import PROCESS_TAG

POLL = 0.1
# Seconds until a process that was told to end is told again.
REMIND = 2.0


def materialize(
    checkout: Checkout, project: Project, *, select: str, partition: str | None, full: bool, dry_run: bool
) -> tuple[int, dict[str, Any] | None]:
    """Materialize in the project's environment and the checkout's instance; its progress goes to stderr.

    Returns:
        The exit code (0 success, 1 the run failed) and the summary that the library wrote: `run_id`, `success`,
        `seconds`, `assets`, `checks`, of a dry run only `assets`; None when there is none.

    Raises:
        UserError: what the library found to be mended before the run.
    """
    environment = clean_environment(
        DAGSTER_HOME=str(checkout.dagster_home), ATOLL_ROOT=str(checkout.root), ATOLL_WHO=find_author(checkout)
    )
    if full:
        environment["ATOLL_PROFILE"] = "full"
    with tempfile.TemporaryDirectory(prefix="atoll-") as folder:
        summary = Path(folder) / "summary.json"
        command = [
            project.python,
            "-m",
            "atoll.commands.materialize",
            project.module,
            "--select",
            select,
            "--summary",
            summary,
        ]
        if partition is not None:
            command += ["--partition", partition]
        if dry_run:
            command.append("--dry-run")
        with _forwarding_signals() as forward:
            # Ctrl-C reaches it once: through here.
            child = begin_session(command, cwd=project.folder, env=environment)
            who = identity(child.pid)
            code = forward(child)
        found = json.loads(summary.read_text(encoding="utf-8")) if summary.is_file() else None
    if found and "what" in found:
        raise UserError(found["what"], found["why"], found["how"])
    if not found and mark_killed(checkout, who):
        say("the process of the run was killed; the run is marked as failed in the page", BAD)
    # One that is told again to end may be ended by that when all is written.
    return code if found and code >= 0 else 1, found


def mark_killed(checkout: Checkout, who: str) -> int:
    """Mark the runs of a process that ended without ending them as failed, and return how many there were."""
    from dagster import RunsFilter

    with open_instance(checkout) as instance:
        left = [run for run in instance.get_runs(RunsFilter(tags={PROCESS_TAG: who})) if not run.is_finished]
        for run in left:
            instance.report_run_failed(run, "the process of this run is gone: it was killed")
    return len(left)


@contextmanager
def _forwarding_signals() -> Generator[Callable[[subprocess.Popen[bytes]], int]]:
    """Catch Ctrl-C, SIGTERM and the terminal's end; lend what waits for a child and hands them on to it."""
    received: list[int] = []
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.signal(number, lambda number, _: received.append(number)) for number in numbers}
    try:
        yield lambda child: _wait(child, received)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _wait(child: subprocess.Popen[bytes], received: list[int]) -> int:
    """Wait for the child's end; it gets a signal again where that was lost, as in code that Python runs in between."""
    due = time.monotonic()
    while child.poll() is None:
        if received and time.monotonic() >= due:
            child.send_signal(signal.SIGTERM if received[-1] == signal.SIGHUP else received[-1])
            due = time.monotonic() + REMIND
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(POLL)
    return child.returncode
