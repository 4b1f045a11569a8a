"""The mark of a restore that is under way: until it is whole, an environment is not what it should be."""

from atoll_control.deployment.server import Server
from atoll_control.errors import UserError
from atoll_control.files import write_atomically

MARK = "restoring"


def begin_restore(server: Server, command: str) -> None:
    """Mark that what the environment keeps is no longer whole, with the command that makes it so."""
    write_atomically(server.folder / MARK, f"{command}\n")


def end_restore(server: Server) -> None:
    """Take the mark away."""
    (server.folder / MARK).unlink(missing_ok=True)


def interrupted_restore(server: Server) -> str | None:
    """Return the command that a restore was begun with and that did not come to its end; None where there is none."""
    try:
        return (server.folder / MARK).read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        return None


def require_whole(server: Server) -> None:
    """Refuse to work with an environment that a restore has left half filled.

    Raises:
        UserError: one was stopped in its middle.
    """
    if command := interrupted_restore(server):
        raise UserError(
            f"{server.name} is not whole.",
            "a restore was stopped in its middle: databases, store and logs are not those of one moment.",
            f"{command} (it begins afresh, also with another backup)",
        )
