"""The lock of an environment: one command at a time starts, deploys to or stops it."""

import os
from collections.abc import Generator
from contextlib import contextmanager
from datetime import UTC, datetime

from atoll_control.author import find_author
from atoll_control.deployment.server import Server
from atoll_control.errors import UserError
from atoll_control.files import write_atomically
from atoll_control.process import exclusive


@contextmanager
def held(server: Server, verb: str) -> Generator[None]:
    """Hold the lock while the block runs; the kernel frees it when the process has died, and its Docker client.

    Raises:
        UserError: another command holds it; the error says whose.
    """
    holder = server.folder / "holder"
    with exclusive(server.folder / "lock") as free:
        if not free:
            said = holder.read_text(encoding="utf-8").strip() if holder.is_file() else "another command"
            raise UserError(
                f"`{verb}` has not touched {server.name}.",
                f"{said} holds its lock.",
                "wait for its end, then this again; the lock ends with that process and what it asked Docker for.",
            )
        since = datetime.now(UTC).strftime("%H:%M:%S UTC")
        author = find_author(server.checkout)
        write_atomically(holder, f"`./atoll {verb}` of {author} (process {os.getpid()}, since {since})\n")
        yield
