"""Processes: started with a clean environment, ended by their group, told apart by pid and start time."""

import fcntl
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TypeVar

from atoll_control.errors import UserError

Item = TypeVar("Item")
Result = TypeVar("Result")

# What was killed is gone within that many seconds, unless the kernel holds it.
KILLING = 10.0

# Where the system has it.
_PROC = Path("/proc/self/stat")

LEAKING = ("VIRTUAL_ENV", "PYTHONHOME", "PYTHONPATH", "DAGSTER_HOME", "UV_PROJECT_ENVIRONMENT")


def clean_environment(**extra: str) -> dict[str, str]:
    """Return this process's environment without what would make one environment see another."""
    return {key: value for key, value in os.environ.items() if key not in LEAKING} | extra


@dataclass(frozen=True)
class Output:
    """What a finished process left: its exit code and its two streams as text."""

    code: int
    stdout: str
    stderr: str


def capture(command: Sequence[str | Path], *, cwd: Path, env: Mapping[str, str] | None = None) -> Output:
    """Run a command to its end and return what it printed.

    A program that cannot be started counts as one that ended with 127, as in a shell.
    """
    try:
        done = subprocess.run(
            [str(part) for part in command],
            cwd=cwd,
            env=dict(env or clean_environment()),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
    except OSError as error:
        return Output(127, "", str(error))
    return Output(done.returncode, done.stdout, done.stderr)


def begin_session(
    command: Sequence[str | Path], *, cwd: Path, env: Mapping[str, str], output: IO[bytes] | None = None
) -> subprocess.Popen[bytes]:
    """Start a process in a session of its own, which a terminal's Ctrl-C does not reach and which is as nice as this.

    Linux weighs sessions against each other by a niceness of their own, which begins at 0 (sched(7), autogroup).
    """
    process = subprocess.Popen(
        [str(part) for part in command],
        cwd=cwd,
        env=dict(env),
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT if output else None,
        start_new_session=True,
    )
    if niceness := os.getpriority(os.PRIO_PROCESS, 0):
        with suppress(OSError):
            Path(f"/proc/{process.pid}/autogroup").write_text(str(niceness), encoding="utf-8")
    return process


def side_by_side(
    work: Callable[[Item], Result], items: Sequence[Item], done: Callable[[Result], None], at_once: int = 2
) -> list[Result]:
    """Do the work for each item, `at_once` at a time; `done` hears of each result as it ends.

    What has not begun when an error or Ctrl-C comes is not begun.
    """
    with ThreadPoolExecutor(at_once) as pool:
        futures = [pool.submit(work, item) for item in items]
        try:
            for future in as_completed(futures):
                done(future.result())
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    return [future.result() for future in futures]


def start_time(pid: int) -> str | None:
    """Return a process's start in clock ticks since boot.

    It is `""` where the system does not say, and None when there is no such process.
    """
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return None
    except PermissionError:
        pass
    if not _PROC.exists():
        return ""
    fields = _read_stat(str(pid))
    return fields[19] if fields else None


def _read_stat(pid: str) -> list[str] | None:
    """Return what `/proc/<pid>/stat` says from the state on (proc(5)); None of a process that has ended.

    A zombie has ended and only waits for its parent, unless other threads of it still run.
    """
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if fields[0] == "Z" and fields[17] == "1" else fields


def is_alive(identity: str) -> bool:
    """Say whether the process `<pid>:<start time>` still runs, and is not another one under the same pid."""
    pid, _, started = identity.partition(":")
    now = start_time(int(pid))
    return now is not None and (not started or not now or started == now)


def identity(pid: int) -> str:
    """Return `<pid>:<start time>`, which `is_alive` understands."""
    return f"{pid}:{start_time(pid) or ''}"


def interrupt_on_signals() -> None:
    """Have every signal that asks this process to end be a KeyboardInterrupt, so that it leaves nothing half done.

    Also where the shell started it with SIGINT ignored, as it does for `&` in scripts.
    """
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)


def end_group(group: int, *, patience: float) -> bool:
    """Interrupt a process group, wait up to `patience` seconds, then kill what is left.

    What was killed is waited for, up to `KILLING` seconds.

    Returns:
        Whether it ended by itself.
    """
    _signal_group(group, signal.SIGINT)
    ended = _has_ended(group, patience)
    # In any case: what is started while one looks is not seen.
    _signal_group(group, signal.SIGKILL)
    _has_ended(group, KILLING)
    return ended


def living(group: int) -> set[str]:
    """Return the processes of a group that run, each as `is_alive` knows it again; none where there is no /proc."""
    names = [path.name for path in Path("/proc").iterdir()] if _PROC.exists() else []
    found = {name: _read_stat(name) for name in names if name.isdigit()}
    return {f"{name}:{fields[19]}" for name, fields in found.items() if fields and int(fields[2]) == group}


def _has_ended(group: int, patience: float) -> bool:
    """Wait up to `patience` seconds until no process of the group runs; say whether that came."""
    deadline = time.monotonic() + patience
    while _signal_group(group, 0) and (living(group) or not _PROC.exists()):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True


def _signal_group(group: int, number: int) -> bool:
    """Signal the processes of a group that are ours; say whether there are any."""
    try:
        os.killpg(group, number)
    except (ProcessLookupError, PermissionError):
        return False
    return True


def port_is_free(port: int) -> bool:
    """Say whether a server could listen on 127.0.0.1 at this port now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def port_in_use(port: int, option: str) -> UserError:
    """Explain that another program has the port, with the option of `./atoll dev` that names a free one."""
    other = next((p for p in range(port + 1, min(port + 200, 65536)) if port_is_free(p)), 3000)
    return UserError(
        f"port {port} is in use.", "another program listens on 127.0.0.1 at it.", f"./atoll dev {option} {other}"
    )


@contextmanager
def exclusive(path: Path) -> Generator[bool]:
    """Hold the lock file while the block runs; yield whether it was free.

    The kernel frees it when the process has died, and whatever it has started with `close_fds=False`.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.open("a")
    except OSError as error:
        raise UserError(
            f"{path} cannot be written.", f"{error.strerror} (errno {error.errno}).", "mend or remove that folder."
        ) from error
    with file:
        os.set_inheritable(file.fileno(), True)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True
