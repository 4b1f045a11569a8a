"""Children of `dev`: each in a process group of its own, with a log, and a record by which a later start finds it."""

import contextlib
import json
import os
import re
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from atoll_control.files import write_atomically
from atoll_control.process import begin_session, end_group, identity, is_alive, start_time

# What is left of a group when its leader has ended is given that long.
REST = 2.0


class Child:
    """A running process and what it started."""

    def __init__(
        self,
        command: Sequence[str | Path],
        *,
        cwd: Path,
        env: Mapping[str, str],
        log: Path,
        record: Path,
        niceness: int = 0,
        **facts: str,
    ) -> None:
        """Start it; its output is added to the log, and `facts` stand in the record beside its `process`.

        With `niceness` above 0 it gets less of the processor than its parent, unless sessions are weighed instead.
        """
        self._log, self._record = log, record
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as file:
            self._begin = file.tell()
            self._process = begin_session(command, cwd=cwd, env=env, output=file)
        try:
            os.setpriority(os.PRIO_PROCESS, self._process.pid, os.getpriority(os.PRIO_PROCESS, 0) + niceness)
            write_atomically(record, json.dumps({"process": identity(self._process.pid)} | facts))
        except BaseException:
            self.end(0)
            raise

    def exit_code(self) -> int | None:
        """Return what it ended with, below 0 the signal that killed it; None while it runs."""
        return self._process.poll()

    def said(self) -> str:
        """Return what it and what it started printed until now."""
        with self._log.open("rb") as file:
            file.seek(self._begin)
            return file.read().decode(errors="replace")

    def interrupt(self) -> None:
        """Tell it to end, and do not wait for that."""
        self._process.send_signal(signal.SIGINT)

    def end(self, patience: float) -> None:
        """Interrupt it and wait up to `patience` seconds for its end, then end what is left of its group."""
        self.interrupt()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(patience)
        end_group(self._process.pid, patience=min(patience, REST))
        self._process.wait()
        self._record.unlink(missing_ok=True)


def last_error(said: str) -> str:
    """Return the last line that names an exception, of a traceback or alone; empty where there is none."""
    found = [line.strip() for line in said.splitlines() if re.match(r"\s*[\w.]*(Error|Exception): ", line)]
    return found[-1] if found else ""


def end_leftover(record: Path, patience: float) -> bool:
    """End what a killed `./atoll dev` left running; say whether there was anything.

    A group whose leader is dead keeps the leader's number, so nobody else can have it.
    """
    written = read_record(record)
    found = False
    if written:
        pid = int(written["process"].partition(":")[0])
        found = is_alive(written["process"]) or start_time(pid) is None
        if found:
            end_group(pid, patience=patience)
    record.unlink(missing_ok=True)
    return found


def read_record(record: Path, *facts: str) -> dict[str, str] | None:
    """Return what a child's start wrote down, `process` and these facts; None where they are not there."""
    try:
        written = json.loads(record.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return written if isinstance(written, dict) and {"process", *facts} <= written.keys() else None
