"""A headless run: the library's `materialize` in a project's environment, as a child of the command."""

import json
import os
import signal
import subprocess
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from atoll_control.files import Checkout
from atoll_control.instance import open_instance
from atoll_control.process import clean_environment, identity
from atoll_control.projects import Project
from atoll_control.runs import PROCESS_TAG


def materialize(
    checkout: Checkout, project: Project, *, select: str, partition: str | None, full: bool
) -> tuple[int, dict[str, Any] | None]:
    """Materialize in the project's environment and the checkout's instance; its progress goes to stderr.

    Returns:
        The exit code (0 success, 1 the run failed, 2 a person can mend it) and the summary that the library wrote:
        `run_id`, `success`, `seconds`, `assets`, `checks`; None when there is none.
    """
    environment = clean_environment(DAGSTER_HOME=str(checkout.dagster_home), ATOLL_ROOT=str(checkout.root))
    if full:
        environment["ATOLL_PROFILE"] = "full"
    with tempfile.TemporaryDirectory(prefix="atoll-") as folder:
        summary = Path(folder) / "summary.json"
        command = [project.python, "-m", "atoll.materialize", project.module, "--select", select, "--summary", summary]
        if partition is not None:
            command += ["--partition", partition]
        # In a session of its own, so that Ctrl-C reaches it once: through here.
        child = subprocess.Popen(
            [str(part) for part in command], cwd=project.folder, env=environment, stdin=subprocess.DEVNULL,
            start_new_session=True,
        )  # fmt: skip
        who = identity(child.pid)
        with _forwarding_signals(child):
            code = child.wait()
        if summary.is_file():
            return code, json.loads(summary.read_text(encoding="utf-8"))
    if code in (1, 2):
        return code, None
    mark_killed(checkout, who)
    return 1, None


def mark_killed(checkout: Checkout, who: str) -> None:
    """Mark the runs of a process that ended without ending them as failed."""
    from dagster import RunsFilter

    with open_instance(checkout) as instance:
        for run in instance.get_runs(RunsFilter(tags={PROCESS_TAG: who})):
            if not run.is_finished:
                instance.report_run_failed(run, "the process of this run is gone: it was killed")


@contextmanager
def _forwarding_signals(child: subprocess.Popen[bytes]) -> Generator[None]:
    def forward(number: int, _frame: object) -> None:
        if child.poll() is None:
            os.kill(child.pid, number)

    before = {number: signal.signal(number, forward) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
