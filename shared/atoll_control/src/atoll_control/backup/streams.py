"""Programs whose streams are lent while they run, and whose own words say why they failed."""

import subprocess
import tempfile
import threading
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from typing import IO

from atoll_control.errors import UserError
from atoll_control.process import clean_environment


@contextmanager
def reading(command: Sequence[str], what: str, how: str) -> Generator[IO[bytes]]:
    """Lend what a program prints.

    Raises:
        UserError: at the end, when the program failed: `what` that means, and `how` it is mended.
    """
    with tempfile.TemporaryFile() as errors:
        process = _start(command, what, how, errors, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
        with _ended(process):
            yield _stream(process.stdout)
        if process.returncode:
            raise _explain(process, errors, what, how)


@contextmanager
def writing(command: Sequence[str], what: str, how: str) -> Generator[IO[bytes]]:
    """Lend what a program reads.

    Raises:
        UserError: when the program failed: `what` that means, and `how` it is mended.
    """
    with tempfile.TemporaryFile() as errors:
        process = _start(command, what, how, errors, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
        try:
            with _ended(process):
                yield _stream(process.stdin)
                _stream(process.stdin).close()
        except BrokenPipeError:
            process.wait()
            raise _explain(process, errors, what, how) from None
        if process.returncode:
            raise _explain(process, errors, what, how)


class Dialogue:
    """A program that answers in lines; what it says beside that is kept for when it fails.

    Raises:
        UserError: it cannot be started.
    """

    def __init__(self, command: Sequence[str], what: str, how: str) -> None:
        self._errors, self._what, self._how = tempfile.TemporaryFile(), what, how
        self._program = " ".join(command[:2])
        self._process = _start(
            command, what, how, self._errors, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
        )

    def say(self, line: str) -> None:
        """Write a line."""
        try:
            _stream(self._process.stdin).write(line.encode() + b"\n")
            _stream(self._process.stdin).flush()
        except BrokenPipeError:
            raise self.failed() from None

    def hear(self, patience: float) -> str:
        """Read a line.

        Raises:
            UserError: the program has ended instead, or said nothing for so many seconds.
        """
        late = threading.Event()

        def give_up() -> None:
            late.set()
            self._process.kill()

        timer = threading.Timer(patience, give_up)
        timer.start()
        try:
            line = _stream(self._process.stdout).readline()
        finally:
            timer.cancel()
        if line.endswith(b"\n"):
            return line.decode(errors="replace").rstrip("\n")
        if late.is_set():
            raise UserError(self._what, f"{self._program} said nothing for {patience:.0f} seconds.", self._how)
        raise self.failed()

    def close(self, patience: float) -> None:
        """Say no more, and wait for its end."""
        try:
            _stream(self._process.stdin).close()
        except BrokenPipeError:
            pass
        try:
            self._process.wait(patience)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        _stream(self._process.stdout).close()
        self._errors.close()

    def failed(self) -> UserError:
        """End it, and say why it failed, by what it said."""
        self._process.kill()
        self._process.wait()
        return _explain(self._process, self._errors, self._what, self._how)


def _start(
    command: Sequence[str],
    what: str,
    how: str,
    errors: IO[bytes],
    *,
    stdin: int,
    stdout: int,
    start_new_session: bool = False,
) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(
            command,
            stdin=stdin,
            stdout=stdout,
            stderr=errors,
            env=clean_environment(),
            start_new_session=start_new_session,
        )
    except OSError as error:
        raise UserError(what, f"{command[0]}: {error.strerror}.", how) from None


@contextmanager
def _ended(process: subprocess.Popen[bytes]) -> Generator[None]:
    """Kill the program where the block fails; wait for its end where it does not."""
    try:
        yield
    except BaseException:
        process.kill()
        raise
    finally:
        process.wait()
        for stream in (process.stdin, process.stdout):
            if stream is not None and not stream.closed:
                try:
                    stream.close()
                except BrokenPipeError:
                    pass


def _stream(stream: IO[bytes] | None) -> IO[bytes]:
    assert stream is not None  # noqa: S101 - asked for
    return stream


def _explain(process: subprocess.Popen[bytes], errors: IO[bytes], what: str, how: str) -> UserError:
    errors.seek(0)
    lines = errors.read().decode(errors="replace").strip().splitlines()
    if not lines:
        return UserError(what, f"it ended with {process.returncode} and said nothing.", how)
    # PostgreSQL's programs say more after it, others before.
    said = next((line for line in lines if "error:" in line), lines[-1])
    return UserError(what, f"{said.strip().rstrip('.')}.", how)
