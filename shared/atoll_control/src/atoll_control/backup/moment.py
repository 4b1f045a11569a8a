"""A moment in which nothing of an environment writes: its containers are paused, and go on whatever happens.

Who pauses them may be killed in that moment. So a shell waits beside it for its end, and lets them go on then; where
that is killed as well, the next `./atoll up` or `./atoll backup` does.
"""

import subprocess
from collections.abc import Generator
from contextlib import contextmanager, suppress

from atoll_control.backup.containers import ENVIRONMENT_LABEL, PROJECT_LABEL, list_containers
from atoll_control.deployment.server import ONCE
from atoll_control.docker import docker, docker_command, last_line
from atoll_control.errors import UserError
from atoll_control.process import clean_environment

# Services that write nothing that is kept, or that are asked in the moment, or have ended.
AWAKE = {"postgres", "proxy", "guard", *ONCE}
# What was being started when its starter was paused runs a little later.
ROUNDS = 5

# More than once: a pause that was under way may come after. A line that is read says that there is nothing to do.
_WATCH = """
trap '' HUP INT QUIT TERM
read -r _ && exit
docker=$1
shift
for _ in 1 2 3; do
    for label in "$@"; do
        ids=$("$docker" ps --quiet --filter status=paused --filter "label=$label")
        [ -z "$ids" ] || "$docker" unpause $ids
    done
    sleep 2
done
"""


def thaw(name: str) -> int:
    """Let go on what a backup that was killed has left paused; return how many containers that were."""
    ids = [found.id for found in list_containers(name) if found.state == "paused"]
    if ids and (output := docker("unpause", *ids)).code:
        raise UserError(
            f"containers of {name} are paused.",
            f"a backup that was killed has left them so, and Docker does not let them go on: {last_line(output)}.",
            f"docker unpause {' '.join(identity[:12] for identity in ids)}",
        )
    return len(ids)


@contextmanager
def frozen(name: str) -> Generator[int]:
    """Pause everything of an environment that writes, while the block runs; yield how many containers.

    Raises:
        UserError: something cannot be paused.
    """
    ids: list[str] = []
    with _watched(name, ids):
        for _ in range(ROUNDS):
            writers = [found for found in list_containers(name) if found.service not in AWAKE]
            running = [found.id for found in writers if found.state == "running"]
            if not running:
                break
            ids += [identity for identity in running if identity not in ids]
            output = docker("pause", *running)
        else:
            raise UserError(
                f"{name} was not backed up.",
                f"its containers cannot be paused, so that they would write meanwhile: {last_line(output)}.",
                f"see what Docker says: docker pause {running[0][:12]}; docker unpause {running[0][:12]}",
            )
        yield len(ids)


@contextmanager
def _watched(name: str, ids: list[str]) -> Generator[None]:
    """Have the containers go on after the block, by somebody else where this process does not live to do it."""
    labels = (f"{PROJECT_LABEL}=atoll-{name}", f"{ENVIRONMENT_LABEL}={name}")
    watch = subprocess.Popen(
        ["sh", "-c", _WATCH, "sh", *docker_command(), *labels],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=clean_environment(),
        start_new_session=True,
    )
    try:
        yield
    finally:
        well = not ids or docker("unpause", *ids).code == 0
        # Where it is not told, its input ends, and it does the same.
        with suppress(BrokenPipeError):
            watch.communicate(b"done\n" if well else None)
        if not well:
            thaw(name)
