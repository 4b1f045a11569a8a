"""No secret is where it does not belong: in no image, description of a container, command line, log or table."""

import hashlib
import json
import os
from collections.abc import Iterator

import pytest

import engine
from engine import docker, inspect, list_containers
from server import Running, search
from trials import SECRET

# By these a search shows that it finds what is there: a line of a project's code, and what a run has printed.
CODE = "def memory(config: Memory)"
SEEN = "a secret is looked at"


@pytest.fixture(scope="module")
def secrets(server: Running, token: str) -> dict[str, str]:
    """Every secret of the environment, by the file that it is in; hashes of passwords are secrets too."""
    found = {}
    for path in sorted(server.secrets.rglob("*")):
        if path.is_file() and path.suffix not in (".crt",):
            name, text = str(path.relative_to(server.secrets)), path.read_text().strip()
            found[name] = text.rpartition("$" if text.startswith("atoll $") else ":")[2].split()[-1]
    assert found[f"trials/{SECRET}"] == token
    assert {"postgres", "dagster.pgpass", "mlflow.pgpass", "login"} <= found.keys()
    assert all(len(secret) >= 16 for secret in found.values())
    return found


@pytest.fixture(scope="module")
def user_of_the_secret(server: Running) -> Iterator[str]:
    """A run that has read the secret of its project and ended, while another of the project lasts."""
    lasting = server.begin_waiting()
    run = server.launch("trials", "token")
    server.succeed(run)
    yield run
    server.end_waiting(lasting)


def find(secrets: dict[str, str], text: str) -> list[str]:
    return [name for name, secret in secrets.items() if secret in text]


def test_a_run_has_the_secret_of_its_project_and_no_other_project_has(server, token, user_of_the_secret):
    assert server.manifest("trials/token")["run_id"] == user_of_the_secret
    script = "import atoll; print(atoll.load('trials/token'))"
    printed = docker("exec", server.service("trials"), "python", "-c", script)
    assert printed.split() == [hashlib.sha256(token.encode()).hexdigest()]
    for location in server.clone.locations:
        listed = docker(
            "exec", server.service(location), "sh", "-c", "cd /run/secrets/environment 2>/dev/null && ls || :"
        )
        assert listed.split() == ([SECRET] if location == "trials" else [])


def test_secret_files_are_for_their_owner_alone(server):
    for path in [server.secrets, *server.secrets.rglob("*")]:
        assert path.stat().st_mode & 0o777 == (0o700 if path.is_dir() else 0o600), path
    ignored = server.clone.run("git", "status", "--porcelain", "--untracked-files=all")
    assert ".atoll" not in ignored.stdout


def read_layers(images: list[str]) -> list[str]:
    """Return the command that prints every layer, from where the engine keeps them if that can be read: it is quick."""
    drivers = [image["GraphDriver"] for image in inspect(*images)]
    folders = {
        folder
        for driver in drivers
        if driver["Name"] == "overlay2"
        for folder in [driver["Data"]["UpperDir"], *driver["Data"].get("LowerDir", "").split(":")]
        if folder
    }
    if folders and all(os.access(folder, os.R_OK) for folder in folders):
        return ["tar", "-cPf", "-", *sorted(folders)]
    return [engine.CLIENT, "save", *images]


def test_no_layer_of_an_image_has_a_secret(server, secrets):
    """Each layer as it lies there, with what later layers have deleted."""
    parts = [*server.clone.locations, "control", "mlflow"]
    images = [server.released(part) for part in parts]
    assert search([*secrets.values(), CODE], *read_layers(images)) == {CODE}
    history = "".join(docker("history", "--no-trunc", image) for image in images)
    assert find(secrets, history + json.dumps(inspect(*images))) == []


def test_no_container_is_described_with_a_secret(server, secrets, user_of_the_secret):
    containers = inspect(*list_containers())
    assert any(container["Config"]["Labels"].get("atoll.location") == "trials" for container in containers)
    text = json.dumps(containers)
    assert f"/run/secrets/environment/{SECRET}" in text
    assert find(secrets, text) == []


def test_no_command_line_has_a_secret(server, secrets, user_of_the_secret):
    running = [*(container["Id"] for container in server.containers().values()), *server.run_containers()]
    lines = "".join(
        docker("top", container["Id"], "-eo", "pid,args")
        for container in inspect(*running)
        if container["State"]["Running"]
    )
    assert "execute_run" in lines
    assert find(secrets, lines) == []


def test_no_log_has_a_secret(server, secrets, user_of_the_secret):
    services = {service: docker("logs", container["Id"]) for service, container in server.containers().items()}
    assert "database system is ready" in services["postgres"]
    runs = "".join(docker("logs", container) for container in server.run_containers())
    assert find(secrets, "".join(services.values()) + runs) == []
    folder = "/atoll/.atoll/instance/compute_logs"
    words = [*secrets.values(), SEEN]
    logs = [engine.CLIENT, "exec", server.service("trials"), "tar", "-C", folder, "-c", "."]
    assert search(words, *logs) == {SEEN}


def test_no_table_has_a_secret(server, secrets, user_of_the_secret):
    """Dumped, and the roles with them: PostgreSQL keeps no password, but what verifies one."""
    dagster, mlflow = server.dump("dagster"), server.dump("mlflow")
    assert user_of_the_secret in dagster
    assert "CREATE TABLE" in mlflow
    roles = docker("exec", server.service("postgres"), "pg_dumpall", "-U", "postgres", "--roles-only")
    assert "SCRAM-SHA-256$" in roles
    assert find(secrets, dagster + mlflow + roles) == []


def test_the_store_has_no_secret(server, secrets, user_of_the_secret):
    words = [*secrets.values(), user_of_the_secret]
    stored = [engine.CLIENT, "exec", server.service("operations"), "tar", "-C", "/atoll/.atoll/store", "-c", "."]
    assert search(words, *stored) == {user_of_the_secret}


def test_the_databases_refuse_whoever_has_no_password(server):
    for role in ("postgres", "dagster", "mlflow"):
        command = [
            "psql",
            "-w",
            "-h",
            server.containers()["postgres"]["Config"]["Hostname"],
            "-U",
            role,
            "-c",
            "select 1",
        ]
        with pytest.raises(AssertionError, match=r"no password supplied|password authentication failed"):
            docker("exec", server.service("postgres"), *command, "postgres")
