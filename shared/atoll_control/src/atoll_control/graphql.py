"""The page's own interface: what a running platform says of itself."""

import json
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import Any

_LOCATIONS = """{ workspaceOrError { ... on Workspace { locationEntries {
  name loadStatus locationOrLoadError { __typename ... on PythonError { message causes { message } } } } } } }"""

_ACTIVE_RUNS = """{ runsOrError(filter: {statuses: [QUEUED, NOT_STARTED, STARTING, STARTED, CANCELING]}) {
  ... on Runs { results { runId status tags { key value } } } } }"""

_TERMINATE = """mutation($ids: [String!]!, $policy: TerminateRunPolicy) {
  terminateRuns(runIds: $ids, terminatePolicy: $policy) { __typename } }"""

# With statuses: without them Dagster forgets the looks of a sensor that an earlier start of the platform had begun.
_SENSORS = """{ repositoriesOrError { ... on RepositoryConnection { nodes { location { name } sensors {
  name sensorState { status ticks(limit: 1, statuses: [SKIPPED, SUCCESS, FAILURE]) { timestamp } } } } } } }"""

_PARTITIONS = """{ assetNodes { assetKey { path } isMaterializable partitionKeys repository { location { name } } } }"""


@dataclass(frozen=True)
class Sensor:
    """A sensor as the page sees it: `looked` is when its last finished look began, in seconds of the epoch, or 0."""

    location: str
    name: str
    running: bool
    looked: float


@dataclass(frozen=True)
class Location:
    """One code location as the page sees it: `error` is the message of what did not load, of its cause where known."""

    name: str
    loaded: bool
    error: str | None


@dataclass(frozen=True)
class ActiveRun:
    """A run that has not ended."""

    run_id: str
    status: str
    tags: dict[str, str]


class Page:
    """A running webserver, asked through GraphQL.

    Raises:
        OSError: from every method, when nothing answers at the address.
    """

    def __init__(self, port: int) -> None:
        self.address = f"http://127.0.0.1:{port}"

    def ask(self, query: str, **variables: Any) -> dict[str, Any]:
        """Return the answer's data."""
        body = json.dumps({"query": query, "variables": variables}).encode()
        request = urllib.request.Request(f"{self.address}/graphql", body, {"Content-Type": "application/json"})  # noqa: S310
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=30) as response:
                answer = json.load(response)
        except urllib.error.HTTPError as error:
            answer = json.load(error)
        if answer.get("errors"):
            raise RuntimeError(f"the page refused a query: {answer['errors']}")
        return answer["data"]

    def locations(self) -> list[Location]:
        """Return every code location that the webserver knows."""
        entries = self.ask(_LOCATIONS)["workspaceOrError"].get("locationEntries", [])
        return [_location(entry) for entry in entries]

    def active_runs(self) -> list[ActiveRun]:
        """Return the runs that have not ended."""
        results = self.ask(_ACTIVE_RUNS)["runsOrError"].get("results", [])
        return [ActiveRun(r["runId"], r["status"], {t["key"]: t["value"] for t in r["tags"]}) for r in results]

    def sensors(self) -> list[Sensor]:
        """Return every sensor of every location that is loaded."""
        nodes = self.ask(_SENSORS)["repositoriesOrError"].get("nodes", [])
        return [_sensor(node["location"]["name"], sensor) for node in nodes for sensor in node["sensors"]]

    def partitions(self) -> dict[str, dict[tuple[str, ...], list[str]]]:
        """Return, by location and asset key, the partition keys of every asset that can be materialized."""
        found: dict[str, dict[tuple[str, ...], list[str]]] = {}
        for node in self.ask(_PARTITIONS)["assetNodes"]:
            if node["isMaterializable"]:
                location = found.setdefault(node["repository"]["location"]["name"], {})
                location[tuple(node["assetKey"]["path"])] = node["partitionKeys"]
        return found

    def terminate_runs(self, run_ids: list[str], *, force: bool) -> None:
        """Ask that runs end; with `force` mark them as cancelled without waiting for their processes."""
        policy = "MARK_AS_CANCELED_IMMEDIATELY" if force else "SAFE_TERMINATE"
        self.ask(_TERMINATE, ids=run_ids, policy=policy)


def _sensor(location: str, sensor: dict[str, Any]) -> Sensor:
    state = sensor["sensorState"]
    looked = max((tick["timestamp"] for tick in state["ticks"]), default=0.0)
    return Sensor(location, sensor["name"], state["status"] == "RUNNING", looked)


def _location(entry: dict[str, Any]) -> Location:
    result = entry["locationOrLoadError"] or {}
    failed = result.get("__typename") == "PythonError"
    error = [result, *result["causes"]][-1]["message"] if failed else None
    return Location(entry["name"], entry["loadStatus"] == "LOADED" and error is None and bool(result), error)
