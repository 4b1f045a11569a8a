"""A backup under load, the loss of everything, and what is there after a restore on the empty server."""

import json
import shutil
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from atoll_control.backup.databases import Session
from automation import assert_goes_on, switch_on
from clients import Said, ask_database, asking, launch_patience
from engine import docker, inspect, list_containers
from rows import HANGING, list_rows
from runs import messages, wait_for_end
from server import Running, remove, search
from trials import NAME as TRIALS
from waiting import LIMIT, wait_until

# Seconds in which containers may stand still, and after which they go on.
MOMENT = 15
# Artefacts that were made before the backup, so that there is something to compare.
ENOUGH = 3
MODELS = "vehicle_prices"
# How the folder of an artefact begins.
FOLDER = "%Y-%m-%dT%H%M%S.%fZ"
MADE = (
    "select run_id from event_logs where dagster_event_type = 'ASSET_MATERIALIZATION' and asset_key like '%patience%'"
)

# Prints the run that made each artefact of an asset.
MAKERS = """
import json, pathlib, sys
for manifest in pathlib.Path("/atoll/.atoll/store").glob("*/trials/patience/**/manifest.json"):
    print(json.loads(manifest.read_text())["run_id"])
"""


COMMAND = "from atoll_control.cli import app; app()"
# A moment that lasts until it is killed: longer than anything is waited for.
LASTING = f"""
import time
from atoll_control.backup.volumes import Keeper
Keeper.keep = lambda _: time.sleep({2 * LIMIT})
{COMMAND}
"""


@dataclass(frozen=True)
class Kept:
    """What a server keeps: rows of both databases, artefacts of the store, and files of MLflow."""

    rows: dict[str, Counter[str]]
    artefacts: dict[str, str]
    tracked: set[str]


@dataclass(frozen=True)
class Made:
    """What a server made from one time until another: runs, and paths of artefacts."""

    since: datetime
    until: datetime
    runs: list[str]
    artefacts: list[str]


@dataclass(frozen=True)
class Drill:
    """A backup under load, what there was before it, what was made after its moment, and what was lost then."""

    file: Path
    said: dict[str, Any]
    clients: Said
    before: Kept
    later: Made
    in_flight: str
    models: Any
    history: list[dict[str, Any]]
    release: str
    authority: bytes


def look(server: Running) -> Kept:
    tracked = docker("exec", server.service("mlflow"), "sh", "-c", "cd /mlflow/artifacts && find . -type f | sort")
    return Kept(list_rows(server), server.artefacts(), set(tracked.splitlines()))


def moment(said: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(said["moment"])


def find_made(server: Running, since: datetime, until: datetime) -> Made:
    condition = f"create_timestamp > '{since:%F %T.%f}' and create_timestamp < '{until:%F %T.%f}'"
    artefacts = [path for path in server.artefacts() if f"{since:{FOLDER}}" < path.split("/")[-2] < f"{until:{FOLDER}}"]
    return Made(since, until, server.query("dagster", f"select run_id from runs where {condition}"), artefacts)


def history(server: Running) -> list[dict[str, Any]]:
    done = server.clone.atoll("history", server.name, "--json")
    assert done.code == 0, done.text
    return json.loads(done.stdout)


def begin(server: Running, *arguments: str | Path, script: str = COMMAND) -> subprocess.Popen[bytes]:
    """Start a command that is to be killed: its own process, not the wrapper's."""
    command = [str(server.clone.root / ".venv" / "bin" / "python"), "-c", script, *map(str, arguments)]
    environment = server.clone.environment | {"ATOLL_ROOT": str(server.clone.root)}
    return subprocess.Popen(command, cwd=server.clone.root, env=environment, stdout=sys.stderr)


def paused(server: Running) -> list[str]:
    mine = {*list_containers(f"com.docker.compose.project=atoll-{server.name}", running=True)}
    mine |= {*list_containers(f"atoll.environment={server.name}", running=True)}
    return [container["Id"] for container in inspect(*mine) if container["State"]["Paused"]]


@pytest.fixture(scope="module")
def modelled(server: Running) -> Running:
    """The server, with a model that went through its gate, and a schedule that a person switched on."""
    server.await_page()
    if not any("/vehicle_prices/model/" in path for path in server.artefacts()):
        server.succeed(server.launch(MODELS))
    switch_on(server)
    return server


@pytest.fixture(scope="module")
def drill(modelled: Running, tmp_path_factory: pytest.TempPathFactory) -> Drill:
    """A backup that was written under load, and everything lost but git, the secrets of projects and the file."""
    server, folder = modelled, tmp_path_factory.mktemp("elsewhere")
    in_flight = server.begin_waiting(talk=True)
    release = server.clone.root / "deploy" / "environments" / f"{server.name}.toml"
    with asking(server.page, {ask_database: 0.1, launch_patience: 6.0}) as clients:
        wait_until(lambda: len(server.query("dagster", MADE)) >= ENOUGH, "artefacts under load")
        before = look(server)
        done = server.clone.atoll("backup", server.name, "--to", str(folder), "--json")
        assert done.code == 0, done.text
        said = json.loads(done.stdout)
        wait_until(lambda: find_made(server, moment(said), datetime.now(UTC)).artefacts, "artefacts after the moment")
    models = server.say("models", MODELS)
    drill = Drill(
        file=Path(said["file"]),
        said=said,
        clients=clients,
        before=before,
        later=find_made(server, moment(said), datetime.now(UTC)),
        in_flight=in_flight,
        models=models,
        history=history(server),
        release=release.read_text(),
        authority=server.authority.read_bytes(),
    )
    refused = server.clone.atoll("restore", server.name, str(drill.file))
    assert refused.code == 2
    assert "--replace, which removes what" in refused.stderr
    remove(server.name)
    shutil.rmtree(server.clone.root / ".atoll" / "environments" / server.name)
    release.unlink()
    for password in ("postgres", "dagster.pgpass", "mlflow.pgpass"):
        (server.secrets / password).unlink()
    return drill


@pytest.fixture(scope="module")
def restored(modelled: Running, drill: Drill) -> Iterator[Running]:
    server = modelled
    done = server.clone.atoll("restore", server.name, str(drill.file))
    assert done.code == 0, done.text
    yield server


def test_containers_go_on_when_the_backup_that_holds_them_still_is_killed(modelled):
    server = modelled
    process = begin(server, "backup", server.name, script=LASTING)
    wait_until(lambda: paused(server), "the moment of a backup")
    process.kill()
    assert process.wait() == -signal.SIGKILL
    wait_until(lambda: paused(server) == [], "containers that go on")
    server.await_page()
    assert not list((server.clone.root / ".atoll" / "backups").glob("*.zip"))


def test_a_database_that_has_no_tables_yet_is_dumped_too(modelled):
    with Session(modelled.server, "postgres") as session:
        session.take()
        assert session.schema() is None
        with session.dump() as stream:
            assert stream.read().startswith(b"PGDMP")


def test_under_load_nobody_notices_but_for_a_wait(drill):
    assert drill.clients.failed == []
    assert drill.clients.asked > 50
    assert drill.said["frozen_seconds"] < MOMENT
    assert drill.clients.longest < MOMENT


def test_the_file_has_no_secret(modelled, drill):
    words = [path.read_text().strip().rpartition(":")[2] for path in modelled.secrets.rglob("*") if path.is_file()]
    assert search([*filter(None, words), "manifest.json"], "cat", str(drill.file)) == {"manifest.json"}


def test_one_flipped_byte_is_refused_and_nothing_is_made(modelled, drill):
    place = drill.file.stat().st_size // 2
    flip(drill.file, place)
    done = modelled.clone.atoll("restore", modelled.name, str(drill.file))
    flip(drill.file, place)
    assert done.code == 2
    assert f"what: {drill.file} is damaged." in done.stderr
    assert docker("volume", "ls", "-q", "--filter", f"name=atoll-{modelled.name}_") == ""


def flip(file: Path, place: int) -> None:
    with file.open("r+b") as content:
        content.seek(place)
        (byte,) = content.read(1)
        content.seek(place)
        content.write(bytes([byte ^ 1]))


def test_a_restore_that_is_killed_is_told_and_begins_afresh(modelled, drill):
    server = modelled
    process = begin(server, "restore", server.name, drill.file)

    def fills() -> bool:
        assert process.poll() is None
        return f"atoll-{server.name}_store" in docker("volume", "ls", "-q")

    wait_until(fills, "the volumes of a restore")
    process.kill()
    process.wait()
    for verb in ("up", "deploy"):
        done = server.clone.atoll(verb, server.name)
        assert (done.code, f"what: {server.name} is not whole." in done.stderr) == (2, True), done.text


def test_every_run_event_model_and_artefact_is_there(restored, drill):
    now = look(restored)
    for table, rows in drill.before.rows.items():
        assert not rows - now.rows[table], f"rows of {table} are gone"
    assert {path: now.artefacts.get(path) for path in drill.before.artefacts} == drill.before.artefacts
    assert drill.before.tracked <= now.tracked
    assert restored.say("models", MODELS) == drill.models


def test_nothing_is_there_that_was_made_after_the_moment(restored, drill):
    """What is made since the restore is another matter."""
    assert drill.later.runs and drill.later.artefacts
    found = find_made(restored, drill.later.since, drill.later.until)
    assert (found.runs, found.artefacts) == ([], [])


def test_databases_and_store_are_of_one_moment(restored, drill):
    """No event speaks of an artefact that is not there."""
    told = restored.query("dagster", f"{MADE} and timestamp < '{drill.later.since:%F %T.%f}'")
    makers = docker("exec", restored.service("operations"), "python", "-c", MAKERS).split()
    assert len(told) >= ENOUGH
    assert set(told) <= set(makers)


def test_a_run_that_went_on_has_failed_with_the_reason_and_none_hangs(restored, drill):
    assert wait_for_end(restored.page, drill.in_flight) == "FAILURE"
    assert "the container of this run is gone" in messages(restored.page, drill.in_flight)
    wait_until(lambda: restored.query("dagster", HANGING) == [], "the end of every run")


def test_release_history_and_authority_are_as_they_were(restored, drill):
    release = restored.clone.root / "deploy" / "environments" / f"{restored.name}.toml"
    assert release.read_text() == drill.release
    newest, *others = history(restored)
    assert others == drill.history
    assert (newest["verb"], newest["outcome"], drill.file.name in newest["reason"]) == ("restore", "done", True)
    assert restored.authority.read_bytes() == drill.authority


def test_what_is_automatic_goes_on(restored):
    restored.await_page()
    assert_goes_on(restored)


def test_the_server_works_and_the_store_holds_what_was_written(restored):
    restored.await_page()
    restored.succeed(restored.launch(TRIALS, "patience"))
    verified = restored.atoll("store", "verify")
    assert (verified.code, verified.stderr.strip()) == (0, "✓ the store holds what was written")
    status = restored.clone.atoll("status", restored.name)
    assert status.code == 0, status.text
    hidden = docker("exec", restored.service("operations"), "find", "/atoll/.atoll", "-name", ".backup")
    assert hidden == ""
