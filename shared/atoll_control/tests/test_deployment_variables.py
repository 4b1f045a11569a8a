from pathlib import Path

import pytest
import tomllib
import yaml

from atoll_control.deployment.release import Released
from atoll_control.deployment.secrets import prepare_secrets
from atoll_control.deployment.settings import Settings
from atoll_control.deployment.variables import write_variables
from atoll_control.errors import UserError
from atoll_control.projects import Project

RELEASE = {
    "control": Released("control@sha256:" + "a" * 64, None, ""),
    "cars": Released("cars@sha256:" + "b" * 64, None, ""),
}


@pytest.fixture
def write(tmp_path):
    """Write the variables of an environment and return where."""

    def write(settings: Settings, name: str = "an environment") -> Path:
        folder, secrets = tmp_path / name, tmp_path / "secrets"
        prepare_secrets(secrets, [])
        write_variables("staging", folder, secrets, settings, RELEASE, [Project("cars", Path("cars"))])
        return folder

    return write


def variables(folder: Path) -> dict[str, str]:
    return dict(line.split("=", 1) for line in (folder / "compose.env").read_text().splitlines())


def test_code_servers_and_runs_read_the_settings_that_are_theirs(write):
    settings = Settings.model_validate({"today": "2013-03-17", "profile": "sample", "host": "here", "port": 443})
    found = tomllib.loads((write(settings) / "atoll.toml").read_text())
    assert found.pop("today").isoformat() == "2013-03-17"
    assert found == {
        "profile": "sample",
        "automation": True,
        "page": "https://here:443",
        "tracking_page": "https://here:443/mlflow",
    }


def test_another_setting_of_the_library_makes_other_code_servers_and_another_port_of_ours_does_not_change_the_rest(
    write,
):
    first = variables(write(Settings()))
    assert variables(write(Settings()))["ATOLL_SETTINGS"] == first["ATOLL_SETTINGS"]
    assert variables(write(Settings(profile="sample")))["ATOLL_SETTINGS"] != first["ATOLL_SETTINGS"]
    listening = variables(write(Settings(listen="0.0.0.0")))
    assert listening.pop("ATOLL_LISTEN") == "'0.0.0.0'"
    assert listening.items() <= first.items()


def test_a_location_is_found_by_a_socket_that_a_link_points_at(write):
    (target,) = yaml.safe_load((write(Settings()) / "workspace" / "workspace.yaml").read_text())["load_from"]
    assert target == {"grpc_server": {"socket": "/run/atoll/code/cars/current.sock", "location_name": "cars"}}


def test_versions_are_short_and_a_certificate_of_ones_own_is_told_to_the_proxy(write):
    found = variables(write(Settings(tls="files")))
    assert found["ATOLL_VERSION_cars"] == f"'{'b' * 12}'"
    assert found["ATOLL_TLS"] == "'/run/secrets/tls.crt /run/secrets/tls.key'"


@pytest.mark.parametrize("sign", [":", "'", '"'])
def test_a_path_that_cannot_be_mounted_is_refused(write, sign):
    with pytest.raises(UserError) as caught:
        write(Settings(), f"a{sign}b")
    assert caught.value.what == "the checkout cannot be mounted into containers."
