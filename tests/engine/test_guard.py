"""The guard in front of the real engine: what a run needs passes, and what an attacker would ask for does not."""

import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from docker import DockerClient
from docker.errors import APIError, NotFound
from docker.models.containers import Container

import engine
from guarding import OTHER, Guarded, connected, guarding

CONFINEMENT = "id -u; id -g; grep -E 'CapEff|CapBnd|NoNewPrivs|Seccomp:' /proc/self/status"

BEYOND = [
    "run --rm -v /:/host IMAGE cat /host/etc/shadow",
    "run --rm --privileged IMAGE true",
    "run --rm --pid host IMAGE true",
    "create --name x IMAGE",
    "exec RUN id",
    "attach RUN",
    "cp RUN:/etc/passwd -",
    "commit RUN stolen",
    "export RUN",
    "update --memory 1g RUN",
    "rename RUN postgres",
    "build -",
    "pull busybox",
    "image ls",
    "save IMAGE",
    "tag IMAGE other",
    "rmi IMAGE",
    "volume ls",
    "volume create x",
    "network create x",
    "network connect bridge RUN",
    "container prune --force",
    "system df",
    "events --until 1s",
    "plugin ls",
    "swarm init",
    "top RUN",
    "stats --no-stream RUN",
]


@pytest.fixture(scope="module")
def guarded() -> Iterator[Guarded]:
    with guarding() as found:
        yield found


@pytest.fixture
def docker(guarded: Guarded) -> Iterator[DockerClient]:
    with connected(guarded) as found:
        yield found
    if left := engine.list_containers(f"atoll.environment={guarded.environment}", "dagster/run_id=r1"):
        engine.docker("rm", "--force", *left)


@pytest.fixture
def service(guarded: Guarded) -> Iterator[str]:
    """A container of the environment that is no run, with a secret."""
    labels = ("--label", f"atoll.environment={guarded.environment}", "--label", "com.docker.compose.service=postgres")
    command = ("run", "-d", "--env", "PASSWORD=secret", *labels, engine.images().base, "sleep", "600")
    found = engine.docker(*command).split()[0]
    yield found
    engine.docker("rm", "--force", found)


def create(docker: DockerClient, guarded: Guarded, *command: str, **changes: Any) -> Container:
    arguments = guarded.context(**changes)
    arguments["labels"] = {**arguments["labels"], "dagster/run_id": "r1"}
    image = arguments.pop("image", engine.images().base)
    network = arguments.pop("network", guarded.network)
    return docker.containers.create(image, list(command), detach=True, network=network, **arguments)


def test_a_run_lives_its_whole_life_through_the_guard(docker, guarded):
    container = create(docker, guarded, "sh", "-c", f"{CONFINEMENT}; exit 3")
    container.start()
    assert container.wait() == {"StatusCode": 3, "Error": None}
    printed = container.logs().decode().split()
    assert printed[:2] == ["10001", "10001"]
    assert [line for line in printed if line.startswith("000000")] == ["0" * 16] * 2
    assert printed[printed.index("NoNewPrivs:") + 1] == "1"
    assert printed[printed.index("Seccomp:") + 1] == "2"
    assert [found.id for found in docker.containers.list(all=True)] == [container.id]
    container.remove(force=True)
    assert docker.containers.list(all=True) == []
    with pytest.raises(NotFound):
        docker.containers.get(container.id)


def test_a_log_is_followed_while_it_is_written_and_a_run_is_stopped(docker, guarded):
    container = create(
        docker, guarded, "sh", "-c", "trap 'echo asked; exit 0' TERM; echo begun; while :; do sleep 0.1; done"
    )
    container.start()
    lines = container.logs(stream=True, follow=True)
    assert next(lines) == b"begun\n"
    container.stop(timeout=20)
    assert next(lines) == b"asked\n"
    assert container.wait()["StatusCode"] == 0


def test_the_whole_file_system_of_the_machine_is_refused(docker, guarded):
    before = engine.list_containers()
    with pytest.raises(APIError) as refusal:
        create(docker, guarded, "cat", "/host/etc/shadow", volumes=["/:/host"])
    assert refusal.value.status_code == 403
    assert 'HostConfig.Binds = ["/:/host"]' in str(refusal.value)
    assert "only the listed mounts of its location may be used" in str(refusal.value)
    assert '["/:/host"]' in guarded.log.read_text()
    assert engine.list_containers() == before


@pytest.mark.parametrize(
    "changes",
    [
        {"privileged": True},
        {"pid_mode": "host"},
        {"ipc_mode": "host"},
        {"network": "host"},
        {"user": "0:0"},
        {"cap_add": ["SYS_ADMIN"]},
        {"devices": ["/dev/kmsg:/dev/kmsg"]},
        {"security_opt": ["no-new-privileges", "seccomp=unconfined"]},
        {"mounts": [{"Type": "bind", "Source": "/", "Target": "/host"}]},
        {"volumes": ["/var/run/docker.sock:/var/run/docker.sock"]},
        {"image": "busybox"},
        {"volumes": [OTHER]},
        {"mem_limit": "1g"},
        {"memswap_limit": -1},
        {"pids_limit": None},
        {"log_config": None},
        {"entrypoint": ["sh"]},
        {"name": "postgres"},
    ],
    ids=lambda changes: str(changes),
)
def test_a_container_that_is_more_than_a_run_is_refused(changes, docker, guarded):
    with pytest.raises(APIError) as refusal:
        create(docker, guarded, "true", **changes)
    assert refusal.value.status_code == 403
    assert docker.containers.list(all=True) == []


def test_a_key_in_another_case_takes_no_protection_away(docker, guarded, monkeypatch):
    send = docker.api.create_container_from_config

    def uncovering(config: dict[str, Any], *arguments: Any) -> dict[str, Any]:
        config["HostConfig"] |= {"maskedpaths": None, "capdrop": None, "SECURITYOPT": None}
        return send(config, *arguments)

    monkeypatch.setattr(docker.api, "create_container_from_config", uncovering)
    container = create(docker, guarded, "true")
    host = docker.api.inspect_container(container.id)["HostConfig"]
    assert host["CapDrop"] == ["ALL"]
    assert host["SecurityOpt"] == ["no-new-privileges"]
    assert "/proc/kcore" in host["MaskedPaths"]


def test_a_service_of_the_environment_can_be_neither_seen_nor_touched(docker, guarded, service):
    assert docker.containers.list(all=True) == []
    with pytest.raises(NotFound) as refusal:
        docker.containers.get(service)
    assert "secret" not in str(refusal.value)
    for touch in (docker.api.stop, docker.api.kill, docker.api.start, docker.api.logs, docker.api.wait):
        with pytest.raises(NotFound):
            touch(service)
    with pytest.raises(NotFound):
        docker.api.remove_container(service, force=True)
    assert engine.inspect(service)[0]["State"]["Running"]


def test_the_runs_of_another_environment_can_be_neither_seen_nor_touched(docker, guarded):
    with guarding() as other, connected(other) as elsewhere:
        theirs = create(elsewhere, other, "sleep", "600")
        theirs.start()
        assert docker.containers.list(all=True) == []
        assert docker.containers.list(all=True, filters={"label": f"atoll.environment={other.environment}"}) == []
        for touch in (docker.api.stop, docker.api.inspect_container, docker.api.logs):
            with pytest.raises(NotFound):
                touch(theirs.id)
        theirs.reload()
        assert theirs.status == "running"


def test_docker_itself_is_refused_what_no_run_needs(docker, guarded):
    container = create(docker, guarded, "sleep", "600")
    container.start()
    for command in BEYOND:
        log = guarded.log.read_text()
        words = command.replace("RUN", str(container.id)).replace("IMAGE", engine.images().base).split()
        done = subprocess.run(
            [engine.CLIENT, "-H", guarded.address, *words],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode != 0, f"{command}: {done.stdout}"
        assert "the guard refuses" in guarded.log.read_text()[len(log) :], f"{command}: {done.stderr}"


def test_who_else_is_on_the_machine_cannot_connect(guarded):
    assert guarded.socket.stat().st_mode & 0o777 == 0o660


def test_who_waits_for_a_run_keeps_nobody_else_waiting(docker, guarded):
    container = create(docker, guarded, "sleep", "600")
    container.start()
    with ThreadPoolExecutor() as pool, connected(guarded) as other:
        waiting = pool.submit(docker.api.wait, container.id)
        other.api.kill(container.id, "SIGKILL")
        assert waiting.result(60)["StatusCode"] == 137
