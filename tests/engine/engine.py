"""The Docker engine that the tests run on, which `.ci/engine` brings up in CI, and the images that are not ours."""

import json
import os
import shutil
import signal
import subprocess
from collections.abc import Generator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import pytest

import stand_ins
from waiting import wait_until

CLIENT = os.environ.get("ATOLL_DOCKER", "docker")
PID = Path("/var/run/docker.pid")
# Of an engine that was started by hand, which starts one of its own.
CONTAINERD = Path("/var/run/docker/containerd")

# An engine runs other people's containers too, but for that of CI.
in_ci_alone = pytest.mark.skipif("CI" not in os.environ, reason="the engine of this machine is ended in CI alone")


class Images(NamedTuple):
    """Images that are not ours."""

    base: str
    postgres: str
    proxy: str
    registry: str


STAND_INS = Images(stand_ins.BASE, stand_ins.POSTGRES, stand_ins.CADDY, stand_ins.REGISTRY)
PUBLIC = Images("python:{python}-slim", "postgres:17", "caddy:2", "registry:2")


def answers() -> bool:
    if shutil.which(CLIENT) is None:
        return False
    return subprocess.run([CLIENT, "info"], capture_output=True, check=False).returncode == 0


def docker(*arguments: str) -> str:
    """Run the client; return what it printed on both streams, in the order of their ends."""
    done = subprocess.run([CLIENT, *arguments], capture_output=True, text=True, errors="replace", check=False)
    assert done.returncode == 0, f"docker {' '.join(arguments)} ended with {done.returncode}:\n{done.stderr}"
    return done.stdout + done.stderr


def inspect(*containers: str) -> list[dict[str, Any]]:
    return json.loads(docker("inspect", *containers)) if containers else []


def list_containers(*labels: str, running: bool = False) -> list[str]:
    """Return the ids of the containers that have every label (`name=value`)."""
    filters = [part for label in labels for part in ("--filter", f"label={label}")]
    return docker("ps", "-q", "--no-trunc", *([] if running else ["-a"]), *filters).split()


@cache
def images() -> Images:
    """Return the images that are not ours: stand-ins where they can be made, which pull nothing, and always in CI."""
    if "CI" not in os.environ and (os.geteuid() != 0 or shutil.which("debootstrap") is None):
        return PUBLIC
    stand_ins.make_stand_ins(CLIENT)
    return STAND_INS


def environment() -> dict[str, str]:
    """Return what tells the command about this engine and the images that are not ours."""
    found = {
        "ATOLL_DOCKER": CLIENT,
        "ATOLL_BASE_IMAGE": images().base,
        "ATOLL_REGISTRY_IMAGE": images().registry,
        "ATOLL_BUILD_NETWORK": "host",
    }
    authorities = os.environ.get("SSL_CERT_FILE")
    return found | ({"ATOLL_BUILD_CA": authorities} if authorities else {})


def crash(container: str) -> None:
    """Kill the first process of a container as a crash would: for the engine it is not a stop that was asked for."""
    process = inspect(container)[0]["State"]["Pid"]
    given = ["--pid=host", "--network=none", "--user=0", "--entrypoint=sh", images().postgres]
    docker("run", "--rm", *given, "-c", f"kill -9 {process}")


def restart() -> None:
    """End the engine and start it as it was started: its containers end, and those that shall come back do."""
    process = int(PID.read_text())
    with _started_again(process):
        os.kill(process, signal.SIGTERM)
        wait_until(lambda: not Path(f"/proc/{process}").exists() or _is_zombie(process), "the engine's end")


def cut_power() -> None:
    """Kill the engine and whatever runs on it in one moment, and start it as after a power cut: nothing took its leave.

    A machine that starts has no file of a process; `containerd` waits for the one that its own file names.
    """
    engine = int(PID.read_text())
    with _started_again(engine):
        shims = [process for process in _list_processes() if _is_shim(process)]
        for process in [engine, *_children(engine), *shims, *(child for shim in shims for child in _children(shim))]:
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        for file in (PID, CONTAINERD / "containerd.pid"):
            file.unlink(missing_ok=True)


@contextmanager
def _started_again(process: int) -> Generator[None]:
    """Start the engine as it was started, after the block has ended it."""
    command = Path(f"/proc/{process}/cmdline").read_text().split("\0")[:-1]
    with Path(f"/proc/{process}/fd/1").open("ab") as output:
        yield
        subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, start_new_session=True
        )
    wait_until(answers, "the engine")


def _list_processes() -> list[int]:
    return [int(folder.name) for folder in Path("/proc").glob("[0-9]*")]


def _children(process: int) -> list[int]:
    """Return what a process has started; nothing of one that has ended."""
    found = []
    for file in Path(f"/proc/{process}/task").glob("*/children"):
        with suppress(OSError):
            found += [int(child) for child in file.read_text().split()]
    return found


def _is_shim(process: int) -> bool:
    """Say whether a process stands between this engine and a container of it."""
    try:
        command = Path(f"/proc/{process}/cmdline").read_text().split("\0")
    except OSError:
        return False
    return Path(command[0]).name.startswith("containerd-shim") and str(CONTAINERD / "containerd.sock") in command


def _is_zombie(process: int) -> bool:
    return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
