"""`./atoll logs`: what a container has printed, for who does not know what it is called in Docker."""

import os
import signal
import subprocess
import tempfile
from pathlib import Path

from engine import docker
from trials import NAME as TRIALS
from waiting import LIMIT, wait_until

ALL = "1000000"
SERVED = "code server for module trials.definitions"


def test_logs_of_a_location_are_what_its_code_server_has_printed(server):
    printed = docker("logs", server.service(TRIALS)).splitlines()
    assert SERVED in "\n".join(printed)
    done = server.clone.atoll("logs", server.name, TRIALS, "--lines", ALL)
    assert done.code == 0, done.text
    assert not set(printed) - set(done.text.splitlines())


def test_of_long_logs_the_last_lines_are_shown(server):
    done = server.clone.atoll("logs", server.name, "postgres", "--lines", "1")
    assert done.code == 0, done.text
    assert len(done.text.splitlines()) == 1


def test_a_log_is_followed_until_it_is_interrupted(server):
    with tempfile.NamedTemporaryFile() as output:
        following = subprocess.Popen(
            ["./atoll", "logs", server.name, TRIALS, "--follow", "--lines", ALL],
            cwd=server.clone.root,
            env=server.clone.environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            wait_until(lambda: SERVED in Path(output.name).read_text(), "the log")
            assert following.poll() is None
        finally:
            # As a terminal does: every process of the group hears it.
            os.killpg(following.pid, signal.SIGINT)
        assert following.wait(LIMIT) == 0


def test_an_unknown_location_is_answered_with_what_there_is(server):
    done = server.clone.atoll("logs", server.name, "nowhere")
    assert done.code == 2
    said = " ".join(done.stderr.split())
    assert f"{server.name} has no service nowhere." in said
    for known in (*server.clone.locations, "webserver", "daemon", "guard", "mlflow", "proxy", "postgres"):
        assert known in said, known
