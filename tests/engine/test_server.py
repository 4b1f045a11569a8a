"""A server: its way in, runs in their projects' images, a week that arrives, and what stands open."""

import json

import pytest

from engine import docker, inspect
from runs import materializations
from server import WEEK, Running
from waiting import wait_until

# What each project's lock has, as the run itself has it.
LIBRARIES = {
    "aviation_data/airports": {"polars": "2.", "pandas": None, "scikit-learn": None},
    "vehicle_prices/model": {"pandas": "1.5.", "scikit-learn": "1.2.1"},
    "product_recommendations/model": {"pandas": "3.", "scikit-learn": "1.9."},
    "flight_delays/examples": {"pandas": "3.", "scikit-learn": "1.9."},
    "trials/patience": {"pandas": None, "scikit-learn": None},
}

_CAPTURED = """query($id: ID!) { logsForRun(runId: $id) { ... on EventConnection { events {
  ... on LogsCapturedEvent { fileKey } } } } }"""

_LOGS = "query($key: [String!]!) { capturedLogs(logKey: $key) { stdout stderr } }"

_RUN = """query($id: ID!) { runOrError(runId: $id) { ... on Run { tags { key value } } } }"""

_MADE = """query($key: AssetKeyInput!, $weeks: [String!]) { assetOrError(assetKey: $key) { ... on Asset {
  assetMaterializations(partitions: $weeks) { runId } } } }"""

# Which of the ports of these addresses answer.
SCAN = """
import itertools, json, socket, sys
from concurrent.futures import ThreadPoolExecutor

def answers(place):
    try:
        socket.create_connection(place, 1).close()
    except OSError:
        return None
    return place

places = itertools.product(*json.loads(sys.argv[1]))
with ThreadPoolExecutor(64) as pool:
    print(json.dumps([place for place in pool.map(answers, places) if place]))
"""

# The ports on which a container's processes wait, but for Docker's own name server.
LISTENING = """
import pathlib, re
ports = set()
for name in ("tcp", "tcp6"):
    for line in pathlib.Path("/proc/net", name).read_text().splitlines()[1:]:
        local, state = line.split()[1], line.split()[3]
        if state == "0A" and not local.startswith("0B00007F"):
            ports.add(int(local.rpartition(":")[2], 16))
print(*sorted(ports))
"""


@pytest.fixture(scope="module")
def week(server: Running) -> str:
    """A week that has arrived: what it caused is over."""
    done = server.atoll("replay", "aviation_data", "--from", WEEK, "--to", WEEK)
    assert done.code == 0, done.text
    return WEEK


@pytest.fixture(scope="module")
def materialized(server: Running, week: str) -> dict[str, str]:
    """A run by the page's API for each asset of LIBRARIES, ended well: its id."""
    whole = {key: None for key in LIBRARIES} | {"flight_delays/examples": week}
    trained = {"vehicle_prices", "product_recommendations"}
    runs = {}
    for key, partition in whole.items():
        location, _, name = key.partition("/")
        runs[key] = server.launch(location, *([] if location in trained else [name]), partition=partition)
    for run in runs.values():
        server.succeed(run)
    return runs


def test_up_says_where_it_is_and_where_the_login_is(server):
    said = server.said.text
    assert server.server.address in said
    assert f"{server.server.address}/mlflow" in said
    assert str(server.secrets / "login") in said.replace("\n", "") or f".atoll/secrets/{server.name}/login" in said
    user, password = server.login.split(":")
    assert user == "atoll"
    assert said.count(password) == 1


def test_a_second_up_changes_nothing_and_does_not_say_the_login(server):
    before = {name: container["Id"] for name, container in server.containers().items()}
    again = server.clone.atoll("up", server.name)
    assert again.code == 0, again.text
    assert {name: container["Id"] for name, container in server.containers().items()} == before
    assert server.login.partition(":")[2] not in again.text


@pytest.mark.parametrize("path", ["/", "/graphql", "/server_info", "/mlflow/", "/store/", "/v2/_catalog"])
@pytest.mark.parametrize("login", [None, "atoll:wrong", "dagster:"])
def test_the_proxy_refuses_whoever_has_no_login(server, path, login):
    assert server.fetch(path, login)[0] == 401


def test_with_the_login_both_pages_the_store_and_the_registry_answer(server, week):
    status, page = server.fetch("/", server.login)
    assert (status, b"<title>Dagster</title>" in page or b"Dagster" in page) == (200, True)
    asked = json.dumps({"query": "{ version }"}).encode()
    status, answer = server.fetch("/graphql", server.login, asked)
    assert (status, json.loads(answer)["data"]["version"]) == (200, "1.13.27")
    status, page = server.fetch("/mlflow/", server.login)
    assert (status, b"MLflow" in page) == (200, True)
    status, listing = server.fetch("/store/sample/aviation_data/", server.login)
    assert (status, b"flights" in listing) == (200, True)
    status, catalog = server.fetch("/v2/_catalog", server.login)
    assert (status, "atoll/vehicle_prices" in json.loads(catalog)["repositories"]) == (200, True)


def test_the_store_and_the_registry_are_read_only_for_who_comes_through_the_proxy(server, week):
    for path in ("/store/sample/aviation_data/new", "/v2/atoll/vehicle_prices/blobs/uploads/"):
        status, _ = server.fetch(path, server.login, b"new")
        assert status in (403, 404, 405), path
    assert server.fetch("/store/sample/aviation_data/new", server.login)[0] == 404


def test_only_the_store_of_the_volume_is_served(server, week):
    """The same volume holds the clock and the instance's files."""
    for path in ("/store/../clock.json", "/store/%2e%2e/clock.json", "/clock.json", "/store/clock.json"):
        status, body = server.fetch(path, server.login)
        assert b'"today"' not in body, (path, status)


def test_every_location_is_listed_with_its_image(server):
    rows = {row["name"]: row for row in server.say("list")}
    assert rows.keys() == set(server.clone.locations)
    for location, row in rows.items():
        assert server.released(location) in json.dumps(row), row


def test_status_is_well_and_in_json(server):
    done = server.clone.atoll("status", server.name, "--json")
    assert done.code == 0, done.text
    assert {*server.clone.locations, "webserver", "daemon", "postgres", "mlflow", "proxy"} <= set(
        json.dumps(json.loads(done.stdout)).replace('"', " ").split()
    )


def test_the_daemon_keeps_its_connections_for_some_seconds(server):
    """One for each question is over when it is answered."""
    networks = server.containers()["daemon"]["NetworkSettings"]["Networks"].values()
    (address,) = (network["IPAddress"] for network in networks)
    kept = f"client_addr = '{address}' and backend_start < now() - interval '1 second'"
    wait_until(
        lambda: server.query("dagster", f"select 1 from pg_stat_activity where {kept}"),
        "a connection that stays",
    )


def test_each_project_ran_in_its_own_image_with_its_own_libraries(server, materialized):
    images = set()
    for key, libraries in LIBRARIES.items():
        location = key.partition("/")[0]
        options = ["--partition", WEEK] if location == "flight_delays" else []
        made = server.manifest(key, *options)
        assert made["run_id"] == materialized[key]
        assert made["image"] == server.released(location)
        images.add(made["image"])
        for library, version in libraries.items():
            found = made["packages"].get(library)
            assert (found is None) if version is None else found.startswith(version), (key, library, found)
    assert len(images) == len(LIBRARIES)


def test_a_run_is_a_container_of_its_projects_image_with_its_limits(server):
    run = server.begin_waiting()
    (mine,) = inspect(server.run_container(run))
    host = mine["HostConfig"]
    (image,) = inspect(server.released("trials"))
    assert mine["Image"] == image["Id"]
    assert (host["Memory"], host["MemorySwap"], host["NanoCpus"]) == (2**29, 2**29, 10**9)
    assert host["CapDrop"] == ["ALL"]
    assert not host["Privileged"]
    assert host["LogConfig"]["Config"] == {"max-size": "10m", "max-file": "3"}
    assert mine["Config"]["User"].partition(":")[0] not in ("", "0", "root")
    threads = dict(entry.split("=", 1) for entry in mine["Config"]["Env"])
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "POLARS_MAX_THREADS"):
        assert threads[name] == "1", name
    tags = {tag["key"]: tag["value"] for tag in server.page.ask(_RUN, id=run)["runOrError"]["tags"]}
    assert tags["dagster/image"] == server.released("trials")
    server.end_waiting(run)


def test_no_container_of_a_project_is_root_or_may_become_it(server):
    for service, container in server.containers().items():
        host, config = container["HostConfig"], container["Config"]
        assert not host["Privileged"], service
        assert host["CapDrop"] == ["ALL"], service
        assert any(option.startswith("no-new-privileges") for option in host["SecurityOpt"]), service
        assert config["User"].partition(":")[0] not in ("", "0", "root"), service
        assert host["RestartPolicy"]["Name"] == "unless-stopped", service
        assert host["LogConfig"]["Config"] == {"max-size": "10m", "max-file": "3"}, service
        sockets = [mount["Source"] for mount in container["Mounts"] if mount["Source"].endswith("docker.sock")]
        assert bool(sockets) == (service == "guard"), service
        if service in server.clone.locations:
            assert 0 < host["Memory"] <= 2**30, service
            assert host["NanoCpus"] > 0, service


def test_a_week_that_arrives_in_one_container_is_learnt_from_in_another(server, week):
    flights = server.manifest("aviation_data/flights", "--partition", week)
    outcomes = server.manifest("flight_delays/outcomes", "--partition", week)
    assert flights["image"] == server.released("aviation_data")
    assert outcomes["image"] == server.released("flight_delays")
    assert outcomes["inputs"]["aviation_data/flights"] == {week: flights["data_version"]}
    tags = {tag["key"] for tag in server.page.ask(_RUN, id=outcomes["run_id"])["runOrError"]["tags"]}
    assert "dagster/from_automation_condition" in tags


def test_no_asset_of_the_week_was_made_twice(server, week):
    for asset in ("outcomes", "features", "examples"):
        key = {"path": ["flight_delays", asset]}
        made = server.page.ask(_MADE, key=key, weeks=[week])["assetOrError"]["assetMaterializations"]
        runs = [server.page.ask(_RUN, id=entry["runId"])["runOrError"] for entry in made]
        keys = [tag["key"] for run in runs for tag in run["tags"]]
        assert keys.count("dagster/from_automation_condition") == 1, asset


def test_a_laptop_reads_what_the_server_made(server, week, tmp_path):
    """By its address and login, in the environment of a project on the laptop."""
    user, password = server.login.split(":")
    netrc = tmp_path / "netrc"
    netrc.write_text(f"machine localhost login {user} password {password}\n")
    netrc.chmod(0o600)
    reader = {
        "ATOLL_STORE": f"{server.server.address}/store",
        "NETRC": str(netrc),
        "SSL_CERT_FILE": str(server.authority),
    }
    synced = server.clone.atoll("sync", "aviation_data", "operations")
    assert synced.code == 0, synced.text
    python = server.clone.root / "code_locations" / "aviation_data" / ".venv" / "bin" / "python"
    script = f"import atoll; print(len(atoll.load('aviation_data/flights', '{week}')))"
    loaded = server.clone.run(python, "-c", script, **reader)
    assert loaded.code == 0, loaded.text
    assert int(loaded.stdout) == server.manifest("aviation_data/flights", "--partition", week)["rows"]
    listed = server.clone.atoll("store", "ls", "aviation_data/flights", "--json", **reader)
    assert listed.code == 0, listed.text
    assert [row["partition"] for row in json.loads(listed.stdout)] == [week]
    refused = server.clone.run(python, "-c", script, **reader | {"NETRC": "/dev/null"})
    assert refused.code != 0


def test_what_a_run_printed_is_readable_in_the_page(server):
    run = server.launch("trials", "memory", megabytes=1)
    server.succeed(run)
    (file,) = {
        event["fileKey"] for event in server.page.ask(_CAPTURED, id=run)["logsForRun"]["events"] if "fileKey" in event
    }
    logs = server.page.ask(_LOGS, key=[run, "compute_logs", file])["capturedLogs"]
    assert "memory is taken" in logs["stdout"]
    assert "STEP_START" in logs["stderr"] or "Started execution of step" in logs["stderr"]


def test_a_run_by_the_command_goes_through_the_page(server):
    said = server.say("run", "trials", "--select", "patience")
    assert said["success"]
    assert [asset["key"] for asset in said["assets"]] == ["trials/patience"]
    assert materializations(server.page, said["run_id"]).keys() == {("trials", "patience")}


def test_containers_of_runs_that_are_over_do_not_pile_up(server):
    for _ in range(3):
        server.succeed(server.launch("trials", "patience"))
    ended = [container for container in inspect(*server.run_containers()) if container["State"]["Status"] == "exited"]
    assert len(ended) <= 1


def test_code_servers_and_runs_listen_on_no_port(server):
    run = server.begin_waiting()
    listening = {
        service: docker("exec", server.service(service), "python", "-ISc", LISTENING).split()
        for service in (*server.clone.locations, "webserver")
    }
    assert listening == {location: [] for location in server.clone.locations} | {"webserver": ["3000"]}
    assert docker("exec", server.run_container(run), "python", "-ISc", LISTENING).split() == []
    server.end_waiting(run)


def scan(server: Running, network: str) -> set[tuple[str, int]]:
    """Return, by service and port, what a container in a network of the engine reaches of the server."""
    names = {
        network["IPAddress"]: service
        for service, container in server.containers().items()
        for network in container["NetworkSettings"]["Networks"].values()
        if network["IPAddress"]
    }
    ports = [22, 80, 443, 2019, 3000, 3001, 4000, 5000, 5005, 5432, 8000, 8080, 8443, server.server.settings.port]
    command = ["python", "-ISc", SCAN, json.dumps([list(names), ports])]
    image = server.released("control")
    found = json.loads(docker("run", "--rm", "--network", network, "--entrypoint", command[0], image, *command[1:]))
    return {(names[address], port) for address, port in found}


def test_from_another_network_nothing_but_the_proxy_answers(server):
    inside = scan(server, f"atoll-{server.name}_inside")
    assert {("postgres", 5432), ("webserver", 3000), ("mlflow", 5000), ("proxy", 8443)} == inside
    assert scan(server, f"atoll-{server.name}_outside") == {("proxy", 8443)}
    assert scan(server, "atoll-registry") == {("proxy", 8443)}
    assert scan(server, "bridge") == set()
    foreign = docker("network", "create", f"atoll-{server.name}-foreign").strip()
    try:
        assert scan(server, foreign) == set()
    finally:
        docker("network", "rm", foreign)


def test_the_published_port_is_the_proxys_alone_and_open_on_this_machine_only(server):
    published = {
        (service, port, place["HostIp"], int(place["HostPort"]))
        for service, container in server.containers().items()
        for port, places in container["NetworkSettings"]["Ports"].items()
        for place in places or []
    }
    assert published == {("proxy", "8443/tcp", "127.0.0.1", server.server.settings.port)}
