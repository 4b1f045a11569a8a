"""What a backup or a restore leaves when it is killed."""

from atoll_control.backup.moment import thaw
from atoll_control.console import say
from atoll_control.deployment.restoring import require_whole
from atoll_control.deployment.server import Server


def mend_leftovers(server: Server) -> None:
    """Let go on what a backup has left paused, and refuse to work with what a restore has left half filled.

    Whoever calls it holds the lock of the environment.

    Raises:
        UserError: only another restore mends it.
    """
    require_whole(server)
    if count := thaw(server.name):
        say(f"let {count} containers go on, which a backup that was killed had left paused")
