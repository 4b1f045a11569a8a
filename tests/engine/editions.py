"""Editions of the project for trials: the same code server but for a number, or one that is broken in some way."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from clone import Clone, Finished
from engine import docker, inspect, list_containers
from runs import materializations
from server import Running
from trials import NAME

# Seconds of watching where nothing is to be noticed by the daemon.
SHORTLY = 3

EDITION = '''"""An asset that says which edition of the code made it."""

import dagster as dg

EDITION = {number}


@dg.asset(key_prefix="trials", code_version="{number}")
def edition(context: dg.AssetExecutionContext):
    """The number."""
    context.add_output_metadata({{"edition": EDITION}})
    return EDITION
'''

DOES_NOT_START = "\nimport os\n\nprint('no way to start', flush=True)\nos._exit(3)\n"
DOES_NOT_LOAD = "\nraise ValueError('this does not load')\n"
# Not in a run, whose command is another one.
DIES_AFTER_A_MINUTE = """
import os
import sys
import threading

if "grpc" in sys.argv:
    end = threading.Timer(60, os._exit, [3])
    end.daemon = True
    end.start()
"""
# It goes on for some seconds when it shall end.
LEAVES_SLOWLY = """
import atexit
import sys
import time

if "grpc" in sys.argv:
    atexit.register(time.sleep, 4)
"""

_WATCHING = """
import sys
from atoll_control.deployment import rolling
rolling.WATCHING = float(sys.argv.pop(1))
from atoll_control.cli import main
main()
"""


def write_edition(clone: Clone, number: int, more: str = "") -> None:
    file = clone.root / "code_locations" / NAME / "src" / NAME / "defs" / "editions.py"
    file.write_text(EDITION.format(number=number) + more)


def build(server: Running, number: int, more: str = "") -> None:
    """Build an edition of the project, and write it into the release file."""
    write_edition(server.clone, number, more)
    for arguments in (["build", NAME], ["release", NAME, server.name]):
        done = server.clone.atoll(*arguments)
        assert done.code == 0, done.text


def edition(server: Running) -> int:
    """Return which edition a run of now is of."""
    run = server.launch(NAME, "edition")
    server.succeed(run)
    return materializations(server.page, run)[NAME, "edition"]["edition"]


def code_servers(server: Running) -> list[dict[str, Any]]:
    labels = (f"com.docker.compose.project=atoll-{server.name}", f"com.docker.compose.service={NAME}")
    return inspect(*list_containers(*labels))


def asked(server: Running) -> str:
    """Return the beginning of the id of the container that is asked."""
    return docker("exec", server.service("webserver"), "readlink", f"/run/atoll/code/{NAME}/current.sock").strip()[:12]


def history(server: Running) -> list[dict[str, Any]]:
    done = server.clone.atoll("history", server.name, "--json")
    assert done.code == 0, done.text
    return json.loads(done.stdout)


def _command(clone: Clone, watching: float, *arguments: str) -> list[str | Path]:
    """Return `./atoll` as a command, with another time in which new code servers are watched."""
    return [clone.root / ".venv" / "bin" / "python", "-c", _WATCHING, str(watching), *arguments]


def deploy(server: Running, watching: float) -> Finished:
    return server.clone.run(*_command(server.clone, watching, "deploy", server.name))


def roll_back(server: Running, watching: float, reason: str) -> Finished:
    return server.clone.run(*_command(server.clone, watching, "rollback", NAME, server.name, "--reason", reason))


def begin_deploy(server: Running, watching: float) -> subprocess.Popen[str]:
    command = [str(part) for part in _command(server.clone, watching, "deploy", server.name)]
    return subprocess.Popen(
        command,
        cwd=server.clone.root,
        env=server.clone.environment,
        stdin=subprocess.DEVNULL,
        stdout=sys.stderr,
        stderr=subprocess.PIPE,
        text=True,
    )
