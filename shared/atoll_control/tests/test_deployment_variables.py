import json
import os
import stat
from pathlib import Path

import pytest
import tomllib
import yaml
from guarded import run_body

from atoll_control.deployment.release import Released
from atoll_control.deployment.secrets import prepare_secrets
from atoll_control.deployment.settings import Settings
from atoll_control.deployment.variables import write_policy, write_variables
from atoll_control.errors import UserError
from atoll_control.guard.containers import approve_container
from atoll_control.guard.policy import Policy
from atoll_control.projects import Project

DEPLOY = Path(__file__).parents[3] / "deploy"
RELEASE = {
    "control": Released("control@sha256:" + "a" * 64, None, ""),
    "cars": Released("cars@sha256:" + "b" * 64, None, ""),
}


@pytest.fixture
def write(tmp_path, docker_socket):
    """Write the variables of an environment and return where."""

    def write(settings: Settings, name: str = "an environment") -> Path:
        folder, secrets = tmp_path / name, tmp_path / "secrets"
        prepare_secrets(secrets, [])
        projects = [Project("cars", Path("cars"))]
        write_variables("staging", folder, secrets, DEPLOY, settings, RELEASE, projects)
        return folder

    return write


def variables(folder: Path) -> dict[str, str]:
    return dict(line.split("=", 1) for line in (folder / "compose.env").read_text().splitlines())


def test_code_servers_and_runs_read_the_settings_that_are_theirs(write):
    given = {"today": "2013-03-17", "profile": "sample", "host": "here", "port": 443, "sensor_interval": 60}
    settings = Settings.model_validate(given)
    found = tomllib.loads((write(settings) / "atoll.toml").read_text())
    assert found.pop("today").isoformat() == "2013-03-17"
    assert found == {
        "profile": "sample",
        "automation": True,
        "sensor_interval": 60,
        "page": "https://here",
        "tracking_page": "https://here/mlflow",
    }


def test_another_setting_of_the_library_makes_other_code_servers_and_another_port_of_ours_does_not_change_the_rest(
    write,
):
    first = variables(write(Settings()))
    assert variables(write(Settings())) == first
    sample = variables(write(Settings(profile="sample")))
    assert {key for key, value in sample.items() if value != first[key]} == {"ATOLL_SETTINGS_cars"}
    listening = variables(write(Settings(listen="0.0.0.0")))
    assert listening.pop("ATOLL_LISTEN") == "'0.0.0.0'"
    assert listening.items() <= first.items()


def test_a_location_is_found_by_a_socket_that_a_link_points_at(write):
    (target,) = yaml.safe_load((write(Settings()) / "workspace" / "workspace.yaml").read_text())["load_from"]
    assert target == {"grpc_server": {"socket": "/run/atoll/code/cars/current.sock", "location_name": "cars"}}


def test_the_guard_lets_a_run_have_exactly_what_dagster_will_ask_for(write):
    folder = write(Settings())
    asked = json.loads((folder / "policy" / "runs.json").read_text())["cars"][0]
    assert asked.items() >= {"image": "cars@sha256:" + "b" * 64, "mem_limit": "2g", "pids_limit": 1024}.items()
    asked.pop("stop_timeout")
    asked["labels"] |= {"dagster/run_id": "r1"}
    guard = Policy(folder / "policy", "staging")
    approve_container(json.dumps(run_body(**asked)).encode(), guard)
    for more in ({"mem_limit": "3g"}, {"pids_limit": 1025}, {"volumes": [*asked["volumes"], "/a:/b"]}):
        with pytest.raises(UserError, match="the guard refuses a container with HostConfig"):
            approve_container(json.dumps(run_body(**asked | more)).encode(), guard)


def test_folders_that_containers_read_are_open_whatever_the_umask_is(write):
    before = os.umask(0o077)
    try:
        folder = write(Settings())
    finally:
        os.umask(before)
    for name in ("policy", "workspace", "policy/runs.json", "workspace/workspace.yaml", "atoll.toml"):
        path = folder / name
        assert stat.S_IMODE(path.stat().st_mode) == (0o755 if path.is_dir() else 0o644), name


def test_a_certificate_of_ones_own_is_told_to_the_proxy(write):
    found = variables(write(Settings(tls="files")))
    assert found["ATOLL_TLS"] == "'/run/secrets/tls.crt /run/secrets/tls.key'"


@pytest.mark.parametrize("sign", [":", "'", '"'])
def test_a_path_that_cannot_be_mounted_is_refused(write, sign):
    with pytest.raises(UserError) as caught:
        write(Settings(), f"a{sign}b")
    assert caught.value.what == "the checkout cannot be mounted into containers."


def test_runs_of_the_last_releases_may_still_start(tmp_path):
    file = tmp_path / "runs.json"
    for number in (1, 2, 2, 3, 4):
        write_policy(file, {"cars": {"image": f"cars{number}"}})
    assert json.loads(file.read_text()) == {"cars": [{"image": f"cars{number}"} for number in (4, 3, 2)]}
    for number in (5, 6, 7):
        write_policy(file, {"cars": {"image": f"cars{number}"}}, running={"cars3"})
    assert json.loads(file.read_text()) == {"cars": [{"image": f"cars{number}"} for number in (7, 6, 5, 3)]}
    file.write_text("{")
    write_policy(file, {"trips": {"image": "trips"}})
    assert json.loads(file.read_text()) == {"trips": [{"image": "trips"}]}
