import json
import string
from pathlib import Path

import pytest
import yaml

from atoll_control.deployment.compose import mount_points, render_compose
from atoll_control.deployment.release import Released
from atoll_control.deployment.secrets import prepare_secrets
from atoll_control.deployment.server import ONCE
from atoll_control.deployment.settings import Settings
from atoll_control.deployment.variables import list_policy, list_variables
from atoll_control.manifest import Limits
from atoll_control.projects import Project

PROJECTS = [
    Project("cars", Path("cars"), server=Limits("512m", 0.5), runs=Limits("3g", 1.5), secrets=("API_KEY",)),
    Project("operations", Path("operations")),
]
PRIVILEGED = ("privileged", "pid", "ipc", "userns_mode", "devices", "uts")


@pytest.fixture
def services():
    return yaml.safe_load(render_compose(PROJECTS))["services"]


def context(service) -> dict:
    return json.loads(service["environment"]["DAGSTER_CONTAINER_CONTEXT"])["docker"]


def test_every_variable_of_the_file_has_a_value(tmp_path, docker_socket):
    folder = tmp_path / "secrets"
    prepare_secrets(folder, PROJECTS[1:])
    release = {name: Released("x@sha256:" + "a" * 64, None, "") for name in ("control", "mlflow", "cars", "operations")}
    variables = list_variables("staging", tmp_path, folder, Settings(), release)
    variables |= {f"ATOLL_SETTINGS_{service}": "" for service in ("cars", "operations", "proxy")}
    text = string.Template(render_compose(PROJECTS)).substitute(variables)
    assert yaml.safe_load(text)["name"] == "atoll-staging"


def test_nobody_is_root_and_nothing_is_written_but_to_volumes(services):
    for name, service in services.items():
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert service["read_only"] is True, name
        assert service["logging"]["options"] == {"max-size": "10m", "max-file": "3"}, name
        assert not set(PRIVILEGED) & service.keys(), name
        if name != "prepare":
            assert service["user"] == "${ATOLL_USER}", name
        assert service["restart"] == ("no" if name in ONCE else "unless-stopped"), name
    assert services["prepare"]["network_mode"] == "none"


def test_the_proxy_is_the_only_way_in(services):
    assert [name for name, service in services.items() if "ports" in service] == ["proxy"]
    assert {name for name, service in services.items() if service.get("networks", ["inside"]) != ["inside"]} == {
        "proxy"
    }


def test_only_the_guard_has_the_engines_socket(services):
    having = [name for name, service in services.items() if any("docker.sock" in v for v in service.get("volumes", []))]
    assert having == ["guard"]
    assert services["guard"]["network_mode"] == "none"


def test_no_secret_is_in_an_environment_or_a_command_line(services):
    for name, service in services.items():
        text = json.dumps([service.get("environment"), service.get("command")])
        paths = ("POSTGRES_PASSWORD_FILE", *mount_points(PROJECTS[0]))
        for path in paths:
            text = text.replace(path, "")
        assert "API_KEY" not in text, name
        assert "ATOLL_SECRETS" not in text, name
        assert "PASSWORD" not in text, name


def test_webserver_and_daemon_write_nothing_but_logs_and_see_no_store(services):
    for name in ("webserver", "daemon"):
        volumes = services[name]["volumes"]
        assert [volume for volume in volumes if not volume.endswith(":ro")] == [
            "logs:/atoll/.atoll/instance/compute_logs"
        ]
        assert "sockets_cars:/run/atoll/code/cars:ro" in volumes
        assert not any(volume.startswith("store:") for volume in volumes)


def test_a_code_server_has_its_own_secrets_and_limits_and_no_port(services):
    cars, operations = services["cars"], services["operations"]
    assert "${ATOLL_SECRETS}/cars/API_KEY:/run/secrets/environment/API_KEY:ro" in cars["volumes"]
    assert not any("API_KEY" in volume for volume in operations["volumes"])
    assert (cars["mem_limit"], cars["memswap_limit"], cars["cpus"]) == ("512m", "512m", 0.5)
    assert cars["environment"]["OMP_NUM_THREADS"] == "1"
    assert cars["environment"]["DAGSTER_MODULE_NAME"] == "cars.definitions"
    assert cars["environment"]["ATOLL_SOCKETS"] == "/run/atoll/code/cars"


def test_a_run_has_the_limits_of_its_project_and_as_many_threads_as_processors(services):
    found = context(services["cars"])
    assert found["networks"] == ["atoll-${ATOLL_ENVIRONMENT}_inside"]
    assert {"OMP_NUM_THREADS=2", "DAGSTER_CURRENT_IMAGE=${ATOLL_IMAGE_cars}"} <= set(found["env_vars"])
    wanted = {"mem_limit": "3g", "memswap_limit": "3g", "nano_cpus": 1_500_000_000, "user": "${ATOLL_USER}"}
    assert wanted.items() <= found["container_kwargs"].items()
    assert found["container_kwargs"]["labels"] == {
        "atoll.environment": "${ATOLL_ENVIRONMENT}",
        "atoll.location": "cars",
    }


def test_only_operations_talks_to_mlflow(services):
    assert "ATOLL_TRACKING" not in services["cars"]["environment"]
    assert services["operations"]["environment"]["ATOLL_TRACKING"] == "http://mlflow:5000/mlflow"
    assert "ATOLL_TRACKING=http://mlflow:5000/mlflow" in context(services["operations"])["env_vars"]


def test_mlflow_takes_the_host_with_and_without_a_port_and_pages_of_the_address(services):
    command = services["mlflow"]["command"]
    assert "--allowed-hosts=mlflow:5000,${ATOLL_HOST},${ATOLL_HOST}:${ATOLL_PORT}" in command
    assert "--cors-allowed-origins=${ATOLL_ADDRESS}" in command


def test_who_reads_files_at_its_start_alone_has_a_label_that_stands_for_them(services):
    marked = {name: service["labels"] for name, service in services.items() if "labels" in service}
    assert marked == {
        name: {"atoll.settings": f"${{ATOLL_SETTINGS_{name}}}"} for name in ("proxy", "cars", "operations")
    }


def test_the_guard_lets_runs_have_exactly_what_dagster_will_ask_for(services, tmp_path, docker_socket):
    folder = tmp_path / "secrets"
    prepare_secrets(folder, PROJECTS[1:])
    release = {
        name: Released(f"{name}@sha256:" + "a" * 64, None, "") for name in ("control", "mlflow", "cars", "operations")
    }
    variables = list_variables("staging", tmp_path, folder, Settings(), release)
    instance = tmp_path / "dagster.yaml"
    instance.write_text("run_launcher: {config: {container_kwargs: {pids_limit: 7}}}")
    policy = list_policy(variables, instance, release, PROJECTS)
    for name, allowed in policy.items():
        asked = string.Template(json.dumps(context(services[name])["container_kwargs"])).substitute(variables)
        image = f"{name}@sha256:" + "a" * 64
        assert allowed == json.loads(asked) | {"pids_limit": 7, "image": image, "network": "atoll-staging_inside"}
    secret = f"{folder}/cars/API_KEY:/run/secrets/environment/API_KEY:ro"
    assert [name for name, allowed in policy.items() if secret in allowed["volumes"]] == ["cars"]
    assert policy["cars"]["mem_limit"] == "3g"
    assert mount_points(PROJECTS[0])[-1] == "${ATOLL_SECRETS}/cars/API_KEY:/run/secrets/environment/API_KEY:ro"
