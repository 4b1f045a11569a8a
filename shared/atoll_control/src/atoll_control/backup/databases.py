"""The databases of an environment: as of one moment, dumped, and filled again."""

from collections.abc import Generator
from contextlib import AbstractContextManager, contextmanager
from typing import IO

from atoll_control.backup.containers import find_service
from atoll_control.backup.streams import Dialogue, reading, writing
from atoll_control.deployment.server import Server
from atoll_control.docker import docker, docker_command, last_line
from atoll_control.errors import UserError

POSTGRES = "postgres"
# Each belongs to the role of its name; `deploy/postgres/databases.sh` makes both.
DATABASES = ("dagster", "mlflow")
# Seconds in which PostgreSQL answers, or the backup is given up.
PATIENCE = 60.0

_END = "-- end of the answer"
# Where there is no such table, the error would end the transaction, and what is kept with it.
_SCHEMA = "SAVEPOINT look; SELECT version_num FROM alembic_version; ROLLBACK TO look"
_MAJOR = "SELECT current_setting('server_version_num')::int / 10000"
# Nothing of it ends before the dump has: a setting of the server could.
_BEGIN = "SET idle_in_transaction_session_timeout = 0; BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
_SNAPSHOT = "SELECT pg_export_snapshot()"


class Session:
    """A superuser's connection to one database, in PostgreSQL's container; after `take` it is as of that moment."""

    def __init__(self, server: Server, database: str) -> None:
        self._what = f"{server.name} was not backed up."
        self._how = f"./atoll logs {server.name} {POSTGRES}"
        self._container, self._database, self._snapshot = find_service(server.name, POSTGRES), database, ""
        command = ("psql", "--no-psqlrc", "--quiet", "--tuples-only", "--no-align", *self._options())
        command = docker_command("exec", "--interactive", self._container, *command)
        self._psql = Dialogue(command, self._what, self._how)

    def __enter__(self) -> "Session":
        """Stay connected."""
        return self

    def __exit__(self, *_: object) -> None:
        """End the transaction and the connection."""
        self._psql.close(PATIENCE)

    def major(self) -> int:
        """Return PostgreSQL's major version."""
        return int(self._ask(_MAJOR)[0])

    def schema(self) -> str | None:
        """Return the revision of the tables; None where there are none."""
        # What it complains about is not in its answer.
        return next(iter(self._ask(_SCHEMA)), None)

    def take(self) -> None:
        """Keep the database as it is now, for `dump`."""
        self._ask(_BEGIN)
        answer = self._ask(_SNAPSHOT)
        if not answer:
            raise self._psql.failed()
        self._snapshot = answer[0]

    def dump(self) -> AbstractContextManager[IO[bytes]]:
        """Lend the dump of the database as it was kept."""
        # The least compression is the fastest by far, and nearly as small.
        dump = ("pg_dump", "--format=custom", "--compress=1", f"--snapshot={self._snapshot}", *self._options())
        return reading(docker_command("exec", self._container, *dump), self._what, self._how)

    def _ask(self, statement: str) -> list[str]:
        self._psql.say(f"{statement};\n\\echo {_END}")
        answer = []
        while (line := self._psql.hear(PATIENCE)) != _END:
            answer.append(line)
        return answer

    def _options(self) -> tuple[str, ...]:
        # The container's user has no name of its own there.
        return ("--username=postgres", f"--dbname={self._database}")


def start_databases(server: Server) -> None:
    """Start PostgreSQL alone, on a volume that is empty, until both databases are made.

    Raises:
        UserError: it does not start.
    """
    output = server.compose("up", "--detach", "--no-deps", "--wait", POSTGRES)
    if output.code:
        raise UserError(
            f"the databases of {server.name} do not start.",
            f"{last_line(output)}.",
            f"./atoll logs {server.name} {POSTGRES}, mend that, then restore again.",
        )


@contextmanager
def filling(server: Server, database: str) -> Generator[IO[bytes]]:
    """Lend what reads the dump of a database and makes everything in it, for its role; all of it or nothing."""
    container = find_service(server.name, POSTGRES)
    options = ("--no-owner", f"--role={database}", "--single-transaction", "--exit-on-error")
    restore = ("pg_restore", *options, "--username=postgres", f"--dbname={database}")
    what, how = f"the database {database} of {server.name} was not filled.", "mend that, then restore again."
    with writing(docker_command("exec", "--interactive", container, *restore), what, how) as stream:
        yield stream
    # Without it the first queries take long ways.
    analyze = ("psql", "--quiet", "--username=postgres", f"--dbname={database}", "--command=ANALYZE")
    docker("exec", container, *analyze)
