import os
import stat
from pathlib import Path

import pytest

from atoll_control.docker import compose, docker, find_compose, require_engine, require_network
from atoll_control.errors import UserError


@pytest.fixture
def client(tmp_path, monkeypatch):
    """Make the program that stands for Docker's client, the only one on the PATH beside a shell's."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    monkeypatch.setenv("ATOLL_DOCKER", str(folder / "docker"))
    find_compose.cache_clear()
    yield lambda script, name="docker": _write_program(folder / name, script)
    find_compose.cache_clear()


def _write_program(path: Path, script: str) -> None:
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


def test_the_client_gets_arguments_variables_and_input_and_builds_with_buildkit(client):
    client('echo "$@" "$DOCKER_BUILDKIT" "$MORE"; cat; echo no >&2; exit 3')
    output = docker("exec", "-i", "it", env={"MORE": "more"}, input="put in")
    assert (output.code, output.stdout, output.stderr) == (3, "exec -i it 1 more\nput in", "no\n")


def test_what_is_no_text_is_read_all_the_same(client):
    client(r"printf 'a\377b'")
    assert docker("logs").stdout == "a\ufffdb"


def test_an_engine_that_answers_is_enough(client):
    client("echo 20.10")
    require_engine()


@pytest.mark.parametrize(
    ("script", "why", "how"),
    [
        ("echo 'permission denied while connecting to the socket' >&2; exit 1", "may not talk", "usermod -aG docker"),
        ("echo 'Cannot connect to the Docker daemon.' >&2; exit 1", "Cannot connect to the", "systemctl start docker"),
    ],
)
def test_an_engine_that_cannot_be_used_is_explained(client, script, why, how):
    client(script)
    with pytest.raises(UserError) as caught:
        require_engine()
    assert caught.value.what == "Docker cannot be used."
    assert why in caught.value.why
    assert how in caught.value.how


def test_a_client_that_is_not_there_is_explained(monkeypatch):
    monkeypatch.setenv("ATOLL_DOCKER", "/nowhere/docker")
    with pytest.raises(UserError) as caught:
        require_engine()
    assert caught.value.why == "there is no program /nowhere/docker."
    assert "ATOLL_DOCKER" in caught.value.how


def test_composes_plugin_comes_before_the_program(client):
    client("echo v2.40.3")
    client("echo 2.1.0", "docker-compose")
    assert find_compose() == [os.environ["ATOLL_DOCKER"], "compose"]
    assert compose("ps").stdout == "v2.40.3\n"


def test_the_program_is_taken_where_there_is_no_plugin(client):
    client("exit 1")
    client('[ "$1" = ps ] && echo here || echo 2.40.3', "docker-compose")
    assert find_compose() == ["docker-compose"]
    assert compose("ps").stdout == "here\n"


def test_compose_of_version_1_does_not_do(client):
    client("exit 1")
    client("echo 1.29.2", "docker-compose")
    with pytest.raises(UserError) as caught:
        find_compose()
    assert caught.value.what == "there is no Docker Compose."
    assert "version 2" in caught.value.why
    assert "docker-compose-v2" in caught.value.how


def test_a_network_is_made_once(client, tmp_path):
    made = tmp_path / "made"
    client(f'case "$2" in inspect) test -f {made} ;; create) test ! -f {made} && touch {made} ;; esac')
    require_network("atoll-registry")
    assert made.exists()
    require_network("atoll-registry")


def test_a_network_that_cannot_be_made_is_explained(client):
    client("echo 'no more pools.' >&2; exit 1")
    with pytest.raises(UserError) as caught:
        require_network("atoll-registry")
    assert caught.value.what == "the network atoll-registry cannot be made."
    assert caught.value.why == "no more pools."
