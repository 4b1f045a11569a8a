"""Two environments on one machine: neither sees the other, and what one has made outlives its containers."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

import engine
from beside import ASSET, LOCATION, REGISTRY, find_belongings, find_starts, list_volumes, second_environment
from engine import docker, inspect, list_containers
from object_store import Bucket, serving
from runs import materializations, status
from server import SECOND as NAME
from server import Running, bring_up
from trials import NAME as TRIALS

CERTIFICATES = Path("/etc/docker/certs.d")

_RUN = "query($id: ID!) { runOrError(runId: $id) { __typename } }"


@pytest.fixture(scope="module")
def address(server: Running) -> str:
    """An address of this machine that containers reach, and at which an engine asks for a certificate that it knows."""
    return docker("network", "inspect", "-f", "{{(index .IPAM.Config 0).Gateway}}", REGISTRY).strip()


@pytest.fixture(scope="module")
def bucket(address: str) -> Iterator[Bucket]:
    with serving(address) as found:
        yield found


@pytest.fixture(scope="module")
def second(server: Running, address: str, bucket: Bucket) -> Iterator[Running]:
    with second_environment(server.clone, address, bucket) as found:
        yield found


@pytest.fixture(scope="module")
def made(second: Running) -> str:
    """A run of the second environment that has made an asset: its id."""
    said = second.say("run", LOCATION, "--select", ASSET)
    assert said["success"]
    return said["run_id"]


def test_both_are_up(server, second):
    for running in (server, second):
        done = running.clone.atoll("status", running.name)
        assert done.code == 0, done.text


def test_what_was_promoted_runs_in_both(server, second):
    images = {name: container["Config"]["Image"] for name, container in server.containers().items()}
    assert {name: container["Config"]["Image"] for name, container in second.containers().items()} == images


def test_they_share_no_container_network_volume_file_or_secret(server, second):
    for mine, other in zip(find_belongings(server), find_belongings(second), strict=True):
        assert mine
        assert other
        assert not mine & other


def test_what_runs_in_one_does_not_reach_the_other(server, second):
    (elsewhere,) = (
        network["IPAddress"] for network in second.containers()["postgres"]["NetworkSettings"]["Networks"].values()
    )
    script = f"import socket; socket.create_connection(({elsewhere!r}, 5432), 3)"
    docker("exec", second.service("operations"), "python", "-ISc", script)
    with pytest.raises(AssertionError, match=r"timed out|unreachable|refused"):
        docker("exec", server.service("operations"), "python", "-ISc", script)


def test_the_page_of_one_does_not_know_the_runs_of_the_other(server, second, made):
    run = server.launch(TRIALS, "patience")
    for known, page, other in ((run, server.page, second.page), (made, second.page, server.page)):
        assert page.ask(_RUN, id=known)["runOrError"]["__typename"] == "Run"
        assert other.ask(_RUN, id=known)["runOrError"]["__typename"] == "RunNotFoundError"
    server.succeed(run)


def test_the_login_of_one_is_refused_by_the_other(server, second):
    for mine, other in ((server, second), (second, server)):
        assert mine.fetch("/", mine.login)[0] == 200
        assert other.fetch("/", mine.login)[0] == 401


def test_what_was_made_is_on_s3_and_is_read_from_there(second, made, bucket):
    shown = second.say("store", "show", f"{LOCATION}/{ASSET}")
    assert shown["manifest"]["run_id"] == made
    assert shown["manifest"]["image"] == second.released(LOCATION)
    assert shown["place"].startswith(f"s3://{bucket.name}/prefix/sample/{LOCATION}/{ASSET}/")
    assert shown["preview"]["rows"]
    assert "manifest.json" in bucket.list_keys(f"prefix/sample/{LOCATION}/{ASSET}/")
    assert second.artefacts() == {}


@pytest.fixture
def trusted(second: Running) -> Iterator[str]:
    """What the second environment is called in an image's name, by an engine that knows who signed its certificate."""
    host = second.server.address.removeprefix("https://")
    folder = CERTIFICATES / host
    try:
        folder.mkdir(parents=True)
    except PermissionError:
        if "CI" in os.environ:
            raise
        pytest.skip(f"only root may write to {CERTIFICATES}")
    try:
        shutil.copy(second.authority, folder / "ca.crt")
        yield host
    finally:
        shutil.rmtree(folder)


def test_a_teammate_pulls_a_projects_image_through_the_proxy_with_the_login(second, trusted, tmp_path):
    image = second.released(TRIALS)
    pulled = f"{trusted}/{image.partition('/')[2]}"
    user, password = second.login.split(":")
    given = ("--config", str(tmp_path))
    with pytest.raises(AssertionError, match=r"no basic auth credentials|unauthorized|401"):
        docker(*given, "pull", pulled)
    login = [engine.CLIENT, *given, "login", "--username", user, "--password-stdin", trusted]
    subprocess.run(login, input=password, text=True, check=True, capture_output=True)
    docker(*given, "pull", pulled)
    try:
        assert inspect(pulled)[0]["Id"] == inspect(image)[0]["Id"]
        command = ("run", "--rm", "--network=none", pulled, "python", "-c", "import trials; print(trials.__name__)")
        assert docker(*command).split() == [TRIALS]
    finally:
        docker("rmi", pulled)


def test_down_ends_one_alone_and_up_goes_on_where_it_was(server, second, made):
    beside, volumes, authority = find_starts(server), list_volumes(), second.authority.read_bytes()
    done = second.clone.atoll("down", NAME)
    assert done.code == 0, done.text
    assert list_containers(f"com.docker.compose.project=atoll-{NAME}") == []
    assert list_containers(f"atoll.environment={NAME}") == []
    assert list_volumes() == volumes
    assert find_starts(server) == beside

    again = bring_up(second.clone, NAME)
    assert second.login.partition(":")[2] not in again.said.text
    assert again.fetch("/", second.login)[0] == 200
    assert second.authority.read_bytes() == authority
    assert status(again.page, made) == "SUCCESS"
    assert materializations(again.page, made).keys() == {(LOCATION, ASSET)}
    assert again.manifest(f"{LOCATION}/{ASSET}")["run_id"] == made
    assert list_volumes() == volumes
    assert find_starts(server) == beside
