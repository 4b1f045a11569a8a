"""MLflow's server beside the running platform: reached from this machine only, started again when it is killed."""

import json
import os
import signal
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from atoll_control.process import is_alive, living
from dev import Dev, mlflow_group, processes_of
from waiting import LIMIT, wait_until

LINKS = """query($key: AssetKeyInput!) { assetOrError(assetKey: $key) { ... on Asset { assetObservations(limit: 10) {
  metadataEntries { label ... on UrlMetadataEntry { url } } } } } }"""
SEARCH = "/api/2.0/mlflow/experiments/search?max_results=10"
# What is tracked of `vehicle_prices`: two pipelines.
TRACKED = ("model", "evaluation", "sedans/model", "sedans/evaluation")


def ask(dev: Dev, path: str, host: str | None = None) -> tuple[int, bytes]:
    """Return status and content of an answer to a request that is sent to this name."""
    address = f"http://127.0.0.1:{dev.mlflow_port}{path}"
    request = urllib.request.Request(address, headers={"Host": host} if host else {})
    try:
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=LIMIT) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def listening_on(port: int) -> set[str]:
    """Return the addresses, as the kernel writes them, at which something listens at this port."""
    found = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        for fields in (line.split() for line in Path(table).read_text().splitlines()[1:]):
            address, _, number = fields[1].partition(":")
            if int(number, 16) == port and fields[3] == "0A":
                found.add(address)
    return found


def test_it_answers_on_the_embedded_store_whose_artifacts_have_absolute_places(platform):
    mlflow_group(platform)
    status, content = ask(platform, SEARCH)
    assert status == 200
    folder = platform.clone.root / ".atoll" / "mlflow"
    (default,) = (found for found in json.loads(content)["experiments"] if found["experiment_id"] == "0")
    assert default["artifact_location"] == str(folder / "artifacts" / "0")
    assert (folder / "mlflow.db").is_file()


def test_only_this_machine_reaches_it_by_its_two_names_at_its_port(platform):
    mlflow_group(platform)
    port = platform.mlflow_port
    assert listening_on(port) == {"0100007F"}
    for name in ("127.0.0.1", "localhost"):
        assert ask(platform, SEARCH, f"{name}:{port}")[0] == 200
    for other in ("atoll.example.org", f"atoll.example.org:{port}", "localhost", f"localhost:{port + 1}"):
        assert ask(platform, SEARCH, other)[0] == 403


def test_it_neither_reports_what_people_do_nor_runs_more_than_one_worker(platform):
    group = mlflow_group(platform)
    assert json.loads(ask(platform, "/ajax-api/3.0/mlflow/ui-telemetry")[1])["disable_ui_telemetry"] is True
    assert len([pid for pid in processes_of(platform.clone) if os.getpgid(pid) == group]) == 2


def test_what_the_platform_runs_knows_where_it_is(platform):
    mlflow_group(platform)
    mark = f"ATOLL_TRACKING=http://127.0.0.1:{platform.mlflow_port}".encode()
    servers = [pid for pid, command in processes_of(platform.clone).items() if "dagster api grpc" in command]
    assert len(servers) >= len(platform.clone.locations)
    for pid in servers:
        assert mark in Path("/proc", str(pid), "environ").read_bytes().split(b"\0")


def search(dev: Dev, what: str, **query: Any) -> list[dict[str, Any]]:
    """Return what a search of MLflow's own interface finds."""
    data = json.dumps({"max_results": 100, **query}).encode()
    address = f"http://127.0.0.1:{dev.mlflow_port}/api/2.0/mlflow/{what}/search"
    request = urllib.request.Request(address, data, {"Content-Type": "application/json"})
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=LIMIT) as answer:
        return json.load(answer).get(what, [])


def test_what_the_page_materialized_stands_in_mlflow_and_each_has_the_way_to_the_other(platform, sample_runs):
    mlflow_group(platform)

    def find_runs() -> dict[str, dict[str, Any]]:
        experiments = {found["name"]: found["experiment_id"] for found in search(platform, "experiments")}
        if "vehicle_prices" not in experiments:
            return {}
        found = search(platform, "runs", experiment_ids=[experiments["vehicle_prices"]])
        return {run["info"]["run_name"]: run for run in found if run_of(run) == sample_runs["vehicle_prices"]}

    parent = f"Dagster run {sample_runs['vehicle_prices'][:8]}"
    ended = {name: "FINISHED" for name in (*TRACKED, parent)}
    wait_until(
        lambda: {name: run["info"]["status"] for name, run in find_runs().items()} == ended, f"{ended} in MLflow"
    )
    runs = find_runs()
    metrics = {metric["key"]: metric["value"] for metric in runs["evaluation"]["data"]["metrics"]}
    assert 0 < metrics["mae"] < metrics["mae_baseline"]
    assert tags(runs["model"])["mlflow.parentRunId"] == runs[parent]["info"]["run_id"]
    # The address of the page is that of the platform which ran then.
    assert f"/runs/{sample_runs['vehicle_prices']})" in tags(runs["model"])["mlflow.note.content"]
    links = platform.page.ask(LINKS, key={"path": ["vehicle_prices", "model"]})["assetOrError"]["assetObservations"]
    ids = [entry["url"].rpartition("/")[2] for seen in links for entry in seen["metadataEntries"] if "url" in entry]
    assert runs["model"]["info"]["run_id"] in ids
    # A sample is tracked; it is never registered.
    registered = json.loads(ask(platform, "/api/2.0/mlflow/registered-models/search")[1]).get("registered_models", [])
    assert [model["name"] for model in registered if model["name"].startswith("vehicle_prices")] == []


def tags(run: dict[str, Any]) -> dict[str, str]:
    return {tag["key"]: tag["value"] for tag in run["data"]["tags"]}


def run_of(run: dict[str, Any]) -> str | None:
    return tags(run).get("dagster/run_id")


def test_a_killed_server_is_told_of_and_comes_back_while_the_platform_goes_on(platform):
    group = mlflow_group(platform)
    killed = living(group)
    before = len(platform.text)
    os.kill(group, signal.SIGKILL)
    said = f"mlflow http://127.0.0.1:{platform.mlflow_port}"
    wait_until(lambda: said in platform.text[before:], "MLflow's address once more")
    told = platform.text[before:]
    assert "what: MLflow's server ended by itself.\nwhy:  signal 9 ended it.\nhow:  nothing: it is started" in told
    assert ask(platform, SEARCH)[0] == 200
    assert killed
    assert not any(map(is_alive, killed))
    assert all(location.loaded for location in platform.page.locations())
