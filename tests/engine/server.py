"""A server on the engine, from a clone: brought up, asked through its proxy, and removed with all that it kept."""

import json
import os
import shutil
import ssl
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from base64 import b64encode
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import tomllib

from atoll_control.deployment.server import Server
from atoll_control.graphql import Page
from clone import Clone, Finished
from engine import docker, environment, images, inspect, list_containers
from runs import launch, messages, status, wait_for_end
from trials import NAME as TRIALS
from waiting import LIMIT, wait_until

# In CI, whose engine is its own, a delivery is executed to the letter; on another machine these names may be taken.
NAME, SECOND = ("staging", "production") if "CI" in os.environ else ("enginetests", "enginetests2")
CONNECTIONS = 20
ATTEMPTS = 6
# From the storage of runs and from that of events; without a field of a run the page would ask the database for none.
NEWEST = """{ runsOrError(limit: 1) { __typename ... on Runs { results { runId } } }
  assetsOrError(limit: 1) { __typename } }"""
# Before the first week arrives.
TODAY = "2013-01-01"
WEEK, NEXT_WEEK = "2012-12-30", "2013-01-06"

SETTINGS = """host = "localhost"
listen = "127.0.0.1"
port = {port}
profile = "sample"
today = {today}

[images]
postgres = "{postgres}"
proxy = "{proxy}"
"""


@dataclass(frozen=True)
class Running:
    """An environment that is up, the clone that it came from, and what `./atoll up` said."""

    clone: Clone
    name: str
    said: Finished

    @cached_property
    def server(self) -> Server:
        return Server(self.clone.checkout, self.name)

    @property
    def page(self) -> Page:
        return self.server.page()

    @property
    def secrets(self) -> Path:
        return self.clone.root / ".atoll" / "secrets" / self.name

    @property
    def login(self) -> str:
        """User and password, as `curl --user` takes them."""
        return (self.secrets / "login").read_text().strip()

    @property
    def authority(self) -> Path:
        return self.clone.root / ".atoll" / "environments" / self.name / "ca.crt"

    def atoll(self, *arguments: str) -> Finished:
        return self.clone.atoll(*arguments, "--env", self.name)

    def say(self, *arguments: str) -> Any:
        """Run a verb on this environment, and return what it says in JSON."""
        done = self.atoll(*arguments, "--json")
        assert done.code == 0, done.text
        return json.loads(done.stdout)

    def manifest(self, key: str, *options: str) -> dict[str, Any]:
        return self.say("store", "show", key, *options)["manifest"]

    def fetch(
        self, path: str, login: str | None = None, data: bytes | None = None, **headers: str
    ) -> tuple[int, bytes]:
        """Ask the proxy, with its certificate verified; return the status and the body."""
        if data:
            headers["Content-Type"] = "application/json"
        if login:
            headers["Authorization"] = "Basic " + b64encode(login.encode()).decode()
        trust = urllib.request.HTTPSHandler(context=ssl.create_default_context(cafile=str(self.authority)))
        opener = urllib.request.build_opener(trust, urllib.request.ProxyHandler({}))
        request = urllib.request.Request(self.server.address + path, data, headers)
        try:
            with opener.open(request, timeout=LIMIT) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()

    def service(self, name: str) -> str:
        """Return the id of the container of a service."""
        (found,) = list_containers(
            f"com.docker.compose.project=atoll-{self.name}", f"com.docker.compose.service={name}"
        )
        return found

    def containers(self) -> dict[str, dict[str, Any]]:
        """Return what Docker knows of the running containers of every service, by service."""
        found = inspect(*list_containers(f"com.docker.compose.project=atoll-{self.name}", running=True))
        return {container["Config"]["Labels"]["com.docker.compose.service"]: container for container in found}

    def run_containers(self, location: str | None = None) -> list[str]:
        labels = [f"atoll.environment={self.name}"] + ([f"atoll.location={location}"] if location else [])
        return [
            container["Id"]
            for container in inspect(*list_containers(*labels))
            if "com.docker.compose.project" not in container["Config"]["Labels"]
        ]

    def released(self, part: str) -> str:
        """Return the image of a part, by digest."""
        release = self.clone.root / "deploy" / "environments" / f"{self.name}.toml"
        return tomllib.loads(release.read_text())["images"][part]["image"]

    def launch(self, location: str, *names: str, partition: str | None = None, **config: Any) -> str:
        """Start a run as the page does; `config` is that of the one asset that is named."""
        ops = {"ops": {f"{location}__{names[0]}": {"config": config}}} if config else {}
        return launch(self.page, location, *names, partition=partition, config=ops)

    def succeed(self, run: str) -> None:
        assert wait_for_end(self.page, run) == "SUCCESS", messages(self.page, run)

    def begin_waiting(self, *, talk: bool = False) -> str:
        """Start a run that waits for `end_waiting`, and return when its container computes."""
        run = self.launch(TRIALS, "patience", seconds=2 * LIMIT, talk=talk)
        wait_until(lambda: status(self.page, run) == "STARTED", f"the start of run {run}")
        wait_until(lambda: self._computes(run), f"the step of run {run}")
        return run

    def end_waiting(self, *runs: str) -> None:
        """Let runs end that wait, as they all shall."""
        for run in runs:
            docker("exec", self.run_container(run), "touch", "/tmp/enough")
        for run in runs:
            self.succeed(run)

    def run_container(self, run: str) -> str:
        (found,) = [container["Id"] for container in inspect(*self.run_containers()) if run in str(container["Config"])]
        return found

    def _computes(self, run: str) -> bool:
        return "Started execution of step" in messages(self.page, run)

    def await_page(self) -> None:
        wait_until(self._is_whole, "the page with every location")

    def _is_whole(self) -> bool:
        try:
            found = self.page.locations()
            # The webserver keeps connections for each storage, and finds at the next use of each that the database has
            # gone meanwhile.
            answers = [self.page.ask(NEWEST) for _ in range(CONNECTIONS)]
        except (OSError, ValueError, RuntimeError):
            return False
        asked = all(
            [part["__typename"] for part in answer.values()] == ["Runs", "AssetConnection"] for answer in answers
        )
        return bool(found) and all(location.loaded for location in found) and asked

    def query(self, database: str, statement: str) -> list[str]:
        """Ask PostgreSQL as its superuser, in its container; return the lines of the answer."""
        command = ["psql", "-U", "postgres", "-d", database, "-qtA", "-v", "ON_ERROR_STOP=1", "-c", statement]
        return docker("exec", self.service("postgres"), *command).splitlines()

    def dump(self, database: str) -> str:
        return docker("exec", self.service("postgres"), "pg_dump", "-U", "postgres", database)

    def artefacts(self) -> dict[str, str]:
        """Return the digest of every manifest of the store, by its path."""
        script = (
            "import hashlib, pathlib; root = pathlib.Path('/atoll/.atoll/store'); "
            "[print(hashlib.sha256(p.read_bytes()).hexdigest(), p.relative_to(root)) "
            "for p in sorted(root.rglob('manifest.json'))]"
        )
        listed = docker("exec", self.service("operations"), "python", "-c", script)
        return {path: digest for digest, _, path in (line.partition(" ") for line in listed.splitlines())}


def write_settings(clone: Clone, name: str, port: int) -> None:
    text = SETTINGS.format(port=port, today=TODAY, postgres=images().postgres, proxy=images().proxy)
    (clone.root / "deploy" / "environments" / f"{name}.settings.toml").write_text(text)


def write_secret(clone: Clone, name: str, location: str, secret: str, value: str) -> None:
    path = clone.root / ".atoll" / "secrets" / name / location / secret
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(value)
    path.chmod(0o600)


def bring_up(clone: Clone, name: str) -> Running:
    said = clone.atoll("up", name)
    assert said.code == 0, said.text
    return Running(clone, name, said)


def remove(name: str) -> None:
    """Remove the containers, networks and volumes of an environment, whoever left them.

    A busy engine refuses at first what is on its way out: the last refusal is what is said.
    """
    for attempt in range(ATTEMPTS):
        try:
            return _remove(name)
        except AssertionError:
            if attempt == ATTEMPTS - 1:
                raise
            time.sleep(attempt)


def _remove(name: str) -> None:
    mine = f"com.docker.compose.project=atoll-{name}"
    # Runs come last, when nothing is there that begins another one.
    for label in (mine, f"atoll.environment={name}"):
        if containers := list_containers(label):
            docker("rm", "-f", *containers)
    for kind in ("volume", "network"):
        if found := docker(kind, "ls", "-q", "--filter", f"label={mine}").split():
            docker(kind, "rm", *found)


def equip(clone: Clone) -> Clone:
    """Add to a clone's PATH and environment what the verbs of a server need."""
    folder = Path(clone.environment["PATH"])
    for name, program in {"docker": environment()["ATOLL_DOCKER"], "docker-compose": "docker-compose"}.items():
        if found := shutil.which(program):
            (folder / name).symlink_to(found)
    return Clone(clone.root, clone.environment | environment())


def search(words: list[str], *command: str) -> set[str]:
    """Return which words are in what a command prints, however much that is."""
    with tempfile.NamedTemporaryFile("w") as patterns:
        patterns.write("\n".join(words) + "\n")
        patterns.flush()
        with subprocess.Popen(command, stdout=subprocess.PIPE) as source:
            grep = ["grep", "-aoF", "-f", patterns.name]
            found = subprocess.run(grep, stdin=source.stdout, capture_output=True, env={"LC_ALL": "C"}, check=False)
    assert source.returncode == 0, command
    assert found.returncode in (0, 1), found.stderr
    return set(found.stdout.decode().splitlines())
