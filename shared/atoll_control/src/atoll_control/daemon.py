"""Dagster's daemon on a server, with connections to PostgreSQL that are kept, as the webserver keeps its own.

`dagster-daemon run` opens one for each question. Logins, and the catalogue that PostgreSQL reads anew for every
connection, were most of what an idle server did (Dagster 1.13, `dagster_postgres/utils.py`).
"""

import sys

from dagster import DagsterInstance
from dagster._core.workspace.load_target import WorkspaceFileTarget
from dagster._daemon.controller import daemon_controller_from_instance
from dagster._utils.interrupts import capture_interrupts

# Seconds, as the webserver's --db-pool-recycle: one from before PostgreSQL was started again fails at its next use.
RECYCLE = 5
# As many as the webserver may have at a time; and a question may take as long as it does without this.
OVERFLOW = 20
NO_TIMEOUT = 0


def run(workspace: str) -> None:
    """Run the daemons of the instance in DAGSTER_HOME until a signal ends them; `workspace` is the path of its file."""
    with capture_interrupts(), DagsterInstance.get() as instance:
        instance.optimize_for_webserver(NO_TIMEOUT, pool_recycle=RECYCLE, max_overflow=OVERFLOW)
        with daemon_controller_from_instance(instance, WorkspaceFileTarget(paths=[workspace])) as controller:
            controller.check_daemon_loop()


if __name__ == "__main__":
    run(sys.argv[1])
