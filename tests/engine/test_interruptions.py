"""Deployments that are interrupted at each of their steps, on a small server: the next one brings it right."""

import subprocess
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import engine
from atoll_control.workflows.replacement import is_locked
from clone import make_clone
from dev import find_free_port
from editions import LEAVES_SLOWLY, SHORTLY, asked, begin_deploy, build, code_servers, deploy, history, write_edition
from engine import docker, list_containers
from server import Running, bring_up, equip, remove, write_secret, write_settings
from trials import LENDER, NAME, SECRET, add_trials
from waiting import LIMIT, wait_until

ENVIRONMENT = "interruptions"
# Seconds of watching, in which a deployment that has just come to a step is still at it.
LONG_ENOUGH = 8
# The files are written; a new webserver is made; the new code server has started, has taken over; the old one ends.
PREPARED, PLATFORM, STARTED, SWITCHED, ENDING = STEPS = "prepared", "platform", "started", "switched", "ending"


@pytest.fixture(scope="module")
def first(built, token: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """The first edition, in an environment of its own; most layers of its images are there already."""
    clone = equip(make_clone(tmp_path_factory.mktemp("interruptions")))
    clone.keep(LENDER)
    add_trials(clone)
    write_edition(clone, 1, LEAVES_SLOWLY)
    write_secret(clone, ENVIRONMENT, NAME, SECRET, token)
    remove(ENVIRONMENT)
    write_settings(clone, ENVIRONMENT, find_free_port())
    done = clone.atoll("build")
    assert done.code == 0, done.text
    try:
        yield bring_up(clone, ENVIRONMENT)
    finally:
        remove(ENVIRONMENT)


@pytest.fixture(scope="module")
def images(first: Running) -> dict[str, set[str]]:
    """Two images of each part that a deployment replaces at some step: the one that runs, and another one."""
    file = release_file(first)
    text, running = file.read_text(), {part: first.released(part) for part in ("control", NAME)}
    build(first, 2, LEAVES_SLOWLY)
    with (first.clone.checkout.control / "src" / "atoll_control" / "daemon.py").open("a") as code:
        code.write("# another one\n")
    for arguments in (["build", "control"], ["release", "control", ENVIRONMENT]):
        done = first.clone.atoll(*arguments)
        assert done.code == 0, done.text
    pairs = {part: {image, first.released(part)} for part, image in running.items()}
    file.write_text(text)
    return pairs


def release_file(server: Running) -> Path:
    return server.clone.root / "deploy" / "environments" / f"{ENVIRONMENT}.toml"


def change(server: Running, images: set[str], part: str) -> None:
    """Let the release file name the other one of two images."""
    before = server.released(part)
    (after,) = images - {before}
    file = release_file(server)
    file.write_text(file.read_text().replace(before, after))


def find_step(server: Running, step: str) -> Callable[[], object]:
    """Return what tells that a deployment that begins now has come to a step."""
    variables = server.server.folder / "compose.env"
    written, page, (old,), began = variables.read_bytes(), webservers(), code_servers(server), f"{time.time():.3f}"
    ends = ["events", f"--since={began}", f"--filter=container={old['Id']}", "--filter=event=kill"]
    return {
        PREPARED: lambda: variables.read_bytes() != written,
        PLATFORM: lambda: webservers() != page,
        STARTED: lambda: [box["State"]["Running"] for box in code_servers(server)] == [True, True],
        SWITCHED: lambda: asked(server) != old["Id"][:12],
        ENDING: lambda: docker(*ends, f"--until={time.time():.3f}"),
    }[step]


def webservers() -> list[str]:
    return list_containers(f"com.docker.compose.project=atoll-{ENVIRONMENT}", "com.docker.compose.service=webserver")


@contextmanager
def reaching(server: Running, images: dict[str, set[str]], step: str) -> Generator[subprocess.Popen[str]]:
    """Begin a deployment, and yield it when it has come to a step; in the end all is over that it has started."""
    part = "control" if step == PLATFORM else NAME
    change(server, images[part], part)
    has_come = find_step(server, step)
    deploying = begin_deploy(server, SHORTLY if step == ENDING else LONG_ENOUGH)
    try:
        wait_until(has_come, f"the step {step}", pause=0.2)
        assert deploying.poll() is None
        yield deploying
    finally:
        deploying.kill()
        deploying.wait()
        wait_until(lambda: not is_locked(server.server), "the lock")


def assert_brought_right(server: Running) -> None:
    """Assert that the next deployment leaves nothing to do."""
    done = deploy(server, SHORTLY)
    assert done.code == 0, done.text
    boxes, shown = server.containers(), {location.name: location.image for location in server.page.locations()}
    for service, part in {"webserver": "control", "daemon": "control", NAME: NAME}.items():
        assert boxes[service]["Config"]["Image"] == server.released(part)
    assert shown[NAME] == server.released(NAME)
    assert len(webservers()) == len(code_servers(server)) == 1
    assert history(server)[0]["outcome"] == "done"
    again = deploy(server, SHORTLY)
    assert (again.code, "nothing to do" in again.text) == (0, True), again.text


@pytest.mark.parametrize("step", STEPS)
def test_after_its_command_was_killed(first, images, step):
    with reaching(first, images, step) as deploying:
        deploying.kill()
    if step != PREPARED:
        assert history(first)[0]["outcome"] == "stopped midway"
    if step != PLATFORM:
        assert all(location.loaded for location in first.page.locations())
    assert_brought_right(first)


@engine.in_ci_alone
@pytest.mark.parametrize("step", STEPS)
def test_after_the_engine_was_killed(first, images, step):
    with reaching(first, images, step) as deploying:
        engine.cut_power()
        told = deploying.communicate(timeout=2 * LIMIT)[1]
    # It goes on where the engine came back soon enough, or says what it could not do.
    assert deploying.returncode in (0, 1, 2), told
    assert "Traceback" not in told
    assert_brought_right(first)
    first.succeed(first.launch(NAME, "edition"))
