import json
import subprocess
import sys

import pytest

from atoll_control.backup import versions as module
from atoll_control.backup.manifest import Versions
from atoll_control.backup.versions import find_postgresql, find_program, require_fit
from atoll_control.errors import UserError
from atoll_control.process import Output

WRITTEN = Versions(dagster="1.13.27", mlflow="3.17.2", postgresql=17, schemas={"dagster": "d2", "mlflow": "m1"})
HERE = {"dagster": ("1.13.27", ["d1", "d2"]), "mlflow": ("3.17.2", ["m1"]), "postgres": "postgres (PostgreSQL) 17.5"}


@pytest.fixture
def engine(monkeypatch):
    """An engine that answers for its images; what it says of one can be another."""
    says = dict(HERE)

    def docker(*arguments):
        if "--entrypoint=postgres" in arguments:
            return Output(0, says["postgres"], "")
        return Output(0, json.dumps(says[arguments[-2]]), "")

    monkeypatch.setattr(module, "docker", docker)
    return says


def refusal(versions: Versions = WRITTEN) -> str:
    with pytest.raises(UserError) as caught:
        require_fit(versions, "postgres:17", "control", "mlflow", environment="staging")
    assert caught.value.what == "staging cannot take this backup."
    return f"{caught.value.why} {caught.value.how}"


def test_what_is_here_may_be_the_same_or_newer(engine):
    require_fit(WRITTEN, "postgres:17", "control", "mlflow", environment="staging")
    engine |= {"dagster": ("1.14.0", ["d1", "d2", "d3"]), "postgres": "postgres (PostgreSQL) 18.0 (Debian 18.0-1)"}
    require_fit(WRITTEN, "postgres:18", "control", "mlflow", environment="staging")


@pytest.mark.parametrize("said", ["postgres (PostgreSQL) 16.9 (Debian 16.9-1)", "postgres (PostgreSQL) 9.6.24"])
def test_an_older_postgresql_is_refused_with_the_setting(engine, said):
    engine["postgres"] = said
    assert "it was made by PostgreSQL 17, and postgres:17 is PostgreSQL " in refusal()
    assert "images.postgres in deploy/environments/staging.settings.toml" in refusal()


@pytest.mark.parametrize("version", ["1.13.26", "1.9.30", "0.13.27"])
def test_an_older_dagster_is_refused_with_both_versions(engine, version):
    engine["dagster"] = (version, ["d1", "d2"])
    assert f"was written by dagster 1.13.27 (schema d2), and control has dagster {version}" in refusal()
    assert "--built" in refusal()


@pytest.mark.parametrize("database", ["dagster", "mlflow"])
def test_a_schema_that_is_not_known_here_is_refused(engine, database):
    assert f"its database {database} was written by" in refusal(
        WRITTEN.model_copy(update={"schemas": WRITTEN.schemas | {database: "f1"}})
    )


def test_tables_that_were_not_made_yet_are_of_no_version(engine):
    require_fit(WRITTEN.model_copy(update={"schemas": {"mlflow": None}}), "p", "c", "m", environment="staging")


def test_an_image_that_is_not_there_is_told(monkeypatch):
    monkeypatch.setattr(module, "docker", lambda *_: Output(125, "", "pulling\nError: manifest unknown.\n"))
    with pytest.raises(UserError) as caught:
        find_postgresql("postgres:17")
    assert (caught.value.why, caught.value.how) == ("Error: manifest unknown.", "docker pull postgres:17")


def test_another_image_than_postgresqls_is_told(monkeypatch):
    monkeypatch.setattr(module, "docker", lambda *_: Output(0, "nothing of the kind", ""))
    with pytest.raises(UserError) as caught:
        find_postgresql("redis:7")
    assert caught.value.what == "redis:7 is not PostgreSQL's image."


def test_dagsters_revisions_are_found_where_it_is_installed(monkeypatch):
    """By the Python of this environment, which has the same Dagster as an image."""

    def run(*arguments):
        script = arguments[arguments.index("-Ic") :]
        done = subprocess.run([sys.executable, *script], capture_output=True, text=True, check=True)
        return Output(0, done.stdout, "")

    monkeypatch.setattr(module, "docker", run)
    version, revisions = find_program("dagster", "control")
    assert version.startswith("1.")
    assert {"7e2f3204cf8e", "29b539ebc72a", "f495c27d5019"} <= revisions
    assert len(revisions) > 40
