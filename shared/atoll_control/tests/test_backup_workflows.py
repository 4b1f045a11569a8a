import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from stand_in_engine import CONTAINERS, DERIVED, Engine

from atoll_control.backup import moment
from atoll_control.backup.archive import Archive
from atoll_control.backup.volumes import KEPT
from atoll_control.deployment.compose import TEMPLATE, render_compose
from atoll_control.deployment.lock import held
from atoll_control.deployment.release import Released, read_release, write_release
from atoll_control.deployment.server import Server
from atoll_control.docker import find_compose
from atoll_control.errors import UserError
from atoll_control.files import Checkout, write_atomically
from atoll_control.images.record import Image, write_build
from atoll_control.projects import discover_projects
from atoll_control.workflows import backup, deploy, restore, up


@pytest.fixture
def engine(tmp_path_factory, monkeypatch) -> Engine:
    """An engine on which staging runs, with something in every volume."""
    engine = Engine(tmp_path_factory.mktemp("engine") / "folder")
    for volume in (*KEPT, *DERIVED):
        place = engine.volumes / f"atoll-staging_{volume}"
        place.joinpath("some", "folder").mkdir(parents=True)
        place.joinpath("some", "file").write_bytes(os.urandom(3000))
        place.joinpath("some", "empty").touch()
    artefact = engine.volumes / "atoll-staging_store" / "store" / ("long" * 30)
    artefact.parent.mkdir()
    artefact.write_text("artefact")
    artefact.chmod(0o444)
    for database in ("dagster", "mlflow"):
        (engine.databases / database).write_bytes(os.urandom(2000))
    monkeypatch.setenv("ATOLL_DOCKER", str(engine.folder / "docker"))
    find_compose.cache_clear()
    for module in (backup, restore):
        monkeypatch.setattr(module, "interrupt_on_signals", lambda: None)
    yield engine
    find_compose.cache_clear()


@pytest.fixture
def server(checkout: Checkout, add_project, engine, monkeypatch) -> Server:
    """The environment staging of a checkout, of one project, with its release and a history."""
    add_project("cars")
    write_atomically(checkout.environments / "staging.settings.toml", "")
    write_atomically(checkout.deploy / "mlflow" / "pyproject.toml", "")
    write_atomically(checkout.compose, render_compose(discover_projects(checkout)))
    (checkout.deploy / "build.toml").write_text('registry = "r"\nregistry_image = "i"\nbase = "b"\n')
    release = {part: image_of(part) for part in ("control", "cars", "mlflow")}
    release["control"] = image_of("webserver")
    write_release(checkout, "staging", release)
    server = Server(checkout, "staging")
    write_atomically(server.folder / "compose.env", "ATOLL_ENVIRONMENT='staging'\n")
    write_atomically(server.folder / "history" / "20261126T100000.000000Z.json", '{"verb": "up"}\n')
    write_atomically(server.secrets / "dagster.pgpass", "secret")
    monkeypatch.setattr(restore, "start_registry", lambda *_: None)
    monkeypatch.setattr(restore, "require_readable", lambda *_: None)
    monkeypatch.setattr(restore, "prepare", lambda *_: None)
    monkeypatch.setattr(restore, "reconcile", lambda *_: True)
    return server


def image_of(part: str, digit: str = "a") -> Released:
    return Released(f"{part}@sha256:{digit * 64}", "c0ffee", "l0ck")


def write(server: Server, **options) -> Path:
    to = server.checkout.root / "backup.zip"
    assert backup.backup(server.checkout, "staging", to, as_json=False, **options) == 0
    return to


def lose(engine: Engine, server: Server) -> None:
    """Take everything but git and the secrets away."""
    engine.write({})
    shutil.rmtree(engine.volumes)
    engine.volumes.mkdir()
    for file in engine.databases.iterdir():
        file.unlink()
    shutil.rmtree(server.folder)
    write_atomically(server.folder / "compose.env", "ATOLL_ENVIRONMENT='staging'\n")


def restored(server: Server, file: Path, **options) -> int:
    return restore.restore(
        server.checkout, "staging", file, **({"replace": False, "built": False, "dry_run": False} | options)
    )


def refused(server: Server, file: Path, **options) -> UserError:
    with pytest.raises(UserError) as caught:
        restored(server, file, **options)
    return caught.value


def test_every_volume_is_kept_or_made_again_by_a_start():
    volumes = TEMPLATE.read_text().partition("\nvolumes:\n")[2]
    names = [line.strip().partition(":")[0] for line in volumes.splitlines() if line.strip().endswith(":")]
    assert sorted(name for name in names if name) == sorted([*KEPT, *DERIVED])


def test_what_is_lost_is_there_again(server, engine, capsys):
    before = engine.holds()
    file = write(server)
    said = capsys.readouterr().err
    assert "held 3 containers still for" in said
    assert "saved the database dagster, 2.0 kB" in said
    assert "not in it: the secrets; keep a copy of .atoll/secrets/staging/ elsewhere" in said
    assert engine.states == {name: said["state"] for name, said in CONTAINERS.items()}
    assert not list(engine.volumes.rglob(".backup"))
    (engine.databases / "dagster-kept").unlink()
    (engine.databases / "mlflow-kept").unlink()
    assert engine.holds() == before
    release = server.checkout.environments / "staging.toml"
    wanted = release.read_text()
    lose(engine, server)
    release.unlink()
    assert restored(server, file) == 0
    assert engine.holds() == before
    assert release.read_text() == wanted
    assert [path.name for path in (server.folder / "history").iterdir()] == ["20261126T100000.000000Z.json"]
    assert not (server.folder / "restoring").exists()
    folders = [path for path in engine.volumes.rglob("folder") if path.is_dir()]
    assert len(folders) == len(KEPT)
    (artefact,) = engine.volumes.rglob("long*")
    assert artefact.stat().st_mode & 0o777 == 0o444


def test_a_backup_says_of_itself_what_it_is(server, engine, capsys):
    to = server.checkout.root / "folder"
    to.mkdir()
    assert backup.backup(server.checkout, "staging", to, as_json=True) == 0
    said = json.loads(capsys.readouterr().out)
    assert Path(said["file"]).parent == to
    assert Path(said["file"]).name.startswith("staging-2")
    assert said["size"] == Path(said["file"]).stat().st_size
    versions = {"dagster": "1.13.27", "mlflow": "3.17.2", "postgresql": 17}
    assert said["versions"] == versions | {"schemas": {"dagster": "a2", "mlflow": "b1"}}
    assert {*said["members"]} == {
        *(f"databases/{name}.dump" for name in ("dagster", "mlflow")),
        *(f"volumes/{name}.tar" for name in KEPT),
        *("release.toml", "settings.toml", "history/20261126T100000.000000Z.json"),
    }


def test_no_secret_is_in_it(server, engine):
    assert b"secret" not in write(server).read_bytes()


def test_a_store_elsewhere_is_named(server, engine, capsys):
    write_atomically(server.checkout.environments / "staging.settings.toml", 'store = "s3://bucket/prefix"\n')
    with Archive(write(server)) as archive:
        assert archive.manifest.store == "s3://bucket/prefix"
    assert "not in it: the store s3://bucket/prefix" in capsys.readouterr().err


def test_what_runs_and_is_not_in_the_release_file_is_told(server, engine, capsys):
    kept = read_release(server.checkout, "staging")
    write_release(server.checkout, "staging", kept | {"cars": image_of("cars", "b")})
    write(server)
    assert "cars runs another image than deploy/environments/staging.toml names" in capsys.readouterr().err


@pytest.mark.parametrize("words", ["hold", "pg_dump", "send /volumes mlflow", "psql", " pause"])
def test_a_backup_that_fails_leaves_neither_a_file_nor_a_container_that_stands_still(server, engine, words):
    engine.fail(words)
    with pytest.raises(UserError) as caught:
        write(server)
    assert caught.value.what == "staging was not backed up."
    assert "as the test wants it" in caught.value.why
    assert not list(server.checkout.root.glob("*.zip*")) + list(server.checkout.root.glob(".*.draft"))
    engine.mend()
    assert engine.states["w1"] == "running"
    write(server)


def test_what_a_killed_backup_has_left_is_put_right_by_the_next(server, engine, capsys):
    engine.write({name: said | {"state": "paused"} for name, said in CONTAINERS.items() if name in ("w1", "r1", "p1")})
    left = engine.volumes / "atoll-staging_store" / ".backup"
    left.mkdir()
    (left / "0").touch()
    draft = server.checkout.root / ".staging-20260101T000000Z.atoll-backup.zip.draft"
    draft.touch()
    file = write(server)
    assert "let 3 containers go on" in capsys.readouterr().err
    assert set(engine.states.values()) == {"running"}
    assert not left.exists()
    assert not draft.exists()
    with Archive(file) as archive:
        assert "volumes/store.tar" in archive.manifest.members


def test_a_server_that_does_not_run_cannot_be_backed_up(server, engine):
    engine.write({name: said for name, said in CONTAINERS.items() if name != "p1"})
    with pytest.raises(UserError) as caught:
        write(server)
    assert caught.value.what == "postgres of staging does not run."


def test_a_server_without_a_release_cannot_be_backed_up(server, engine):
    (server.checkout.environments / "staging.toml").unlink()
    with pytest.raises(UserError) as caught:
        write(server)
    assert caught.value.why == "there is no deploy/environments/staging.toml, which says what it runs."


def test_what_is_there_is_replaced_only_when_that_is_asked_for(server, engine):
    file = write(server)
    now = engine.holds()
    (engine.volumes / "atoll-staging_store" / "later").touch()
    refusal = refused(server, file)
    assert refusal.what == "staging was not restored."
    assert "webserver, cars, migrate and more; nothing was touched" in refusal.why
    assert refusal.how.startswith(f"./atoll restore staging {file} --replace")
    assert (engine.volumes / "atoll-staging_store" / "later").exists()
    assert restored(server, file, replace=True) == 0
    assert not (engine.volumes / "atoll-staging_store" / "later").exists()
    assert engine.holds() == now


def test_volumes_alone_are_something_that_is_there(server, engine):
    file = write(server)
    engine.write({})
    assert "atoll-staging_database" in refused(server, file).why


def test_a_dry_run_says_what_would_be_and_leaves_no_trace(server, engine, capsys):
    file = write(server)
    before = engine.holds(), engine.states, sorted(server.checkout.root.rglob("*"))
    assert restored(server, file, dry_run=True) == 0
    said = capsys.readouterr().err
    assert "would refuse: staging is there, and is replaced only with --replace" in said
    assert "would remove atoll-staging_store" in said
    assert f"would run cars as cars@sha256:{'a' * 64}" in said
    assert "would take databases/mlflow.dump, 2.0 kB" in said
    assert (engine.holds(), engine.states, sorted(server.checkout.root.rglob("*"))) == before


@pytest.mark.parametrize("words", ["volume rm", "fill /volumes logs", "pg_restore"])
def test_a_restore_that_is_stopped_is_told_by_up_and_begins_afresh(server, engine, monkeypatch, words):
    file, before = write(server), engine.holds()
    engine.fail(words)
    assert "as the test wants it" in refused(server, file, replace=True).why
    engine.mend()
    for call in (
        lambda: up.up(server.checkout, "staging", dry_run=False),
        lambda: deploy.deploy(server.checkout, "staging", reason="", dry_run=False),
        lambda: backup.backup(server.checkout, "staging", None, as_json=False),
    ):
        monkeypatch.setattr(up, "plan_release", lambda *_: ({}, []))
        monkeypatch.setattr(deploy, "require_complete", lambda *_: {})
        with pytest.raises(UserError) as caught:
            call()
        assert caught.value.what == "staging is not whole."
        assert caught.value.how.startswith(f"./atoll restore staging {file} (")
    assert restored(server, file) == 0
    for database in ("dagster", "mlflow"):
        (engine.databases / f"{database}-kept").unlink(missing_ok=True)
        before.pop(f"databases/{database}-kept", None)
    assert engine.holds() == before


def test_a_damaged_backup_is_refused_before_anything_is_touched(server, engine):
    file = write(server)
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    before = engine.holds(), engine.states
    assert refused(server, file, replace=True).what == f"{file} is damaged."
    assert (engine.holds(), engine.states) == before
    assert not (server.folder / "restoring").exists()


def test_the_backup_of_another_environment_is_refused(server, engine):
    file = write(server)
    write_atomically(server.checkout.environments / "production.settings.toml", "")
    with pytest.raises(UserError) as caught:
        restore.restore(server.checkout, "production", file, replace=True, built=False, dry_run=False)
    assert caught.value.why == f"{file} is a backup of staging."


def test_settings_that_git_has_count_and_those_of_the_backup_where_it_has_none(server, engine, capsys):
    file, settings = write(server), server.checkout.environments / "staging.settings.toml"
    settings.write_text("port = 9999\n")
    restored(server, file, replace=True)
    assert "staging.settings.toml is not as in the backup" in capsys.readouterr().err
    assert settings.read_text() == "port = 9999\n"
    settings.unlink()
    assert "would write that of the backup" in refused(server, file, dry_run=True).why
    restored(server, file, replace=True)
    assert settings.read_text() == ""


def test_an_image_that_is_gone_is_told_and_the_last_build_may_stand_in(server, engine, monkeypatch, capsys):
    kept = {part: image_of(part) for part in ("control", "mlflow")} | {
        "cars": Released(f"r/atoll/cars@sha256:{'c' * 64}", None, "l")
    }
    write_release(server.checkout, "staging", kept)
    file = write(server)
    monkeypatch.setattr("atoll_control.deployment.release.holds", lambda *_: False)
    engine.fail("image inspect")
    assert "the registry does not have its image of cars" in (refusal := refused(server, file, replace=True)).why
    assert "--built" in refusal.how
    engine.mend()
    engine.fail("image inspect r/atoll/cars")
    new = image_of("cars", "d").image
    write_build(server.checkout, Image("cars", new, "content", "c0ffee", "l0ck", "2026-11-26T10:00:00Z"))
    assert restored(server, file, replace=True, built=True) == 0
    release = read_release(server.checkout, "staging")
    assert release["cars"].image == new
    assert release["control"] == kept["control"]


def test_a_secret_that_only_a_person_has_is_asked_for_before_anything_is_touched(server, engine):
    file = write(server)
    manifest = server.checkout.code_locations / "cars" / "pyproject.toml"
    manifest.write_text(manifest.read_text() + 'secrets = ["KEY"]\n')
    write_atomically(server.checkout.compose, render_compose(discover_projects(server.checkout)))
    assert refused(server, file, replace=True).what == "cars has no secret KEY in staging."
    assert engine.states["w1"] == "running"


def test_a_second_command_waits_its_turn(server, engine):
    file = write(server)
    with held(server, "deploy"):
        assert "`./atoll deploy` of " in refused(server, file, replace=True).why
        with pytest.raises(UserError) as caught:
            backup.backup(server.checkout, "staging", None, as_json=False)
    assert caught.value.what == "`backup` has not touched staging."
    assert engine.states["w1"] == "running"


def test_who_writes_is_paused_and_who_is_asked_is_not(engine):
    with moment.frozen("staging") as count:
        assert engine.states == {
            "w1": "paused",
            "c1": "paused",
            "m1": "exited",
            "p1": "running",
            "x1": "running",
            "r1": "paused",
        }
        assert count == 3
    assert engine.states["r1"] == "running"


def test_containers_go_on_when_the_block_fails(engine):
    with pytest.raises(KeyboardInterrupt), moment.frozen("staging"):
        raise KeyboardInterrupt
    assert engine.states["w1"] == "running"


def test_containers_go_on_when_who_paused_them_is_killed(engine):
    """By the shell beside it, which is in a session of its own."""
    script = (
        "import os, signal\nfrom atoll_control.backup.moment import frozen\n"
        "with frozen('staging'):\n    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == -9
    deadline = time.monotonic() + 10
    while "paused" in engine.states.values():
        assert time.monotonic() < deadline
        time.sleep(0.05)
