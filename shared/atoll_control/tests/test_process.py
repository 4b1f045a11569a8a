import os
import signal
import socket
import subprocess
import sys

import pytest

from atoll_control.errors import UserError
from atoll_control.process import (
    capture,
    clean_environment,
    end_group,
    exclusive,
    identity,
    is_alive,
    living,
    port_is_free,
    start_time,
)

STUBBORN = "import signal, time; signal.signal(signal.SIGINT, signal.SIG_IGN); print('up', flush=True); time.sleep(60)"
# Its first thread has ended, and for the kernel it is a zombie, while another one goes on.
HEADLESS = """
import ctypes, platform, signal, threading, time
signal.signal(signal.SIGINT, signal.SIG_IGN)
threading.Thread(target=time.sleep, args=[60]).start()
print("up", flush=True)
ctypes.CDLL(None).syscall({"x86_64": 60, "aarch64": 93}[platform.machine()], 0)
"""
# In short steps: a signal just before a system call is noticed when that ends.
OBEDIENT = """
import time
try:
    print("up", flush=True)
    while True:
        time.sleep(0.1)
except KeyboardInterrupt:
    pass
"""


def start(program: str) -> subprocess.Popen[str]:
    child = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, start_new_session=True)
    assert child.stdout is not None
    assert child.stdout.readline() == "up\n"
    return child


NICE = """
import os
from pathlib import Path
from atoll_control.process import begin_session

os.setpriority(os.PRIO_PROCESS, 0, 15)
child = begin_session(["sleep", "60"], cwd=Path("/"), env=os.environ)
group = Path("/proc", str(child.pid), "autogroup")
print(os.getpriority(os.PRIO_PROCESS, child.pid), *group.read_text().split()[1:] if group.exists() else ())
child.kill()
child.wait()
"""


def test_a_session_is_as_nice_as_who_has_begun_it():
    said = subprocess.run([sys.executable, "-c", NICE], capture_output=True, text=True, check=True).stdout
    # Not every kernel knows how nice a session is.
    assert said in ("15 nice 15\n", "15\n")


def test_what_lets_one_environment_see_another_is_not_handed_on(monkeypatch):
    monkeypatch.setenv("PYTHONPATH", "somewhere")
    monkeypatch.setenv("DAGSTER_HOME", "elsewhere")
    assert not {"PYTHONPATH", "DAGSTER_HOME"} & clean_environment().keys()
    assert clean_environment(DAGSTER_HOME="here")["DAGSTER_HOME"] == "here"


def test_a_program_that_cannot_be_started_counts_as_not_found(tmp_path):
    output = capture([tmp_path / "nothing"], cwd=tmp_path)
    assert output.code == 127
    assert "No such file" in output.stderr


def test_a_process_is_told_apart_from_a_later_one_with_its_number():
    me = identity(os.getpid())
    assert is_alive(me)
    assert not is_alive(f"{os.getpid()}:1")


def test_a_process_that_ended_is_not_alive_even_while_its_parent_has_not_looked():
    child = subprocess.Popen([sys.executable, "-c", "pass"], stdout=subprocess.PIPE)
    child.stdout.read()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert start_time(child.pid) is None
    child.wait()
    assert start_time(child.pid) is None


def test_a_group_that_listens_ends_by_itself():
    child = start(OBEDIENT)
    assert end_group(child.pid, patience=20)
    assert child.wait() == 0


@pytest.mark.parametrize("program", [STUBBORN, HEADLESS])
def test_a_group_that_does_not_listen_is_killed_and_gone(program):
    child = start(program)
    assert living(child.pid) == {identity(child.pid)}
    assert not end_group(child.pid, patience=0.3)
    assert living(child.pid) == set()
    assert child.wait() == -signal.SIGKILL


def test_a_port_with_a_listener_is_not_free():
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        assert not port_is_free(server.getsockname()[1])
    assert port_is_free(server.getsockname()[1] if server.fileno() != -1 else 0)


def test_a_lock_that_cannot_be_made_is_explained(tmp_path):
    (tmp_path / "state").write_text("in the way")
    with pytest.raises(UserError) as refusal, exclusive(tmp_path / "state" / "lock"):
        pass
    assert refusal.value.what == f"{tmp_path / 'state' / 'lock'} cannot be written."


def test_the_second_holder_of_a_lock_is_told(tmp_path):
    lock = tmp_path / "state" / "lock"
    with exclusive(lock) as first, exclusive(lock) as second:
        assert first
        assert not second
    with exclusive(lock) as again:
        assert again
