"""The page's own interface: what a running platform says of itself."""

import json
import ssl
import time
import urllib.error
import urllib.request
from base64 import b64encode
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from atoll_control.errors import UserError

_LOCATIONS = """{ workspaceOrError { ... on Workspace { locationEntries { name loadStatus versionKey
  displayMetadata { key value }
  locationOrLoadError { __typename ... on PythonError { message causes { message } } } } } } }"""

_RELOAD = "mutation($name: String!) { reloadRepositoryLocation(repositoryLocationName: $name) { __typename } }"

_ACTIVE_RUNS = """{ runsOrError(filter: {statuses: [QUEUED, NOT_STARTED, STARTING, STARTED, CANCELING]}) {
  ... on Runs { results { runId status tags { key value } } } } }"""

_TERMINATE = """mutation($ids: [String!]!, $policy: TerminateRunPolicy) {
  terminateRuns(runIds: $ids, terminatePolicy: $policy) { __typename } }"""

# With statuses: without them Dagster forgets the looks of a sensor that an earlier start of the platform had begun.
_SENSORS = """{ repositoriesOrError { ... on RepositoryConnection { nodes { location { name } sensors {
  name sensorState { status ticks(limit: 1, statuses: [SKIPPED, SUCCESS, FAILURE]) { timestamp } } } } } } }"""

_PARTITIONS = """{ assetNodes { assetKey { path } isMaterializable partitionKeys repository { location { name } } } }"""

_MADE = """query($keys: [AssetKeyInput!], $partitions: [String!]) { assetNodes(assetKeys: $keys) {
  assetKey { path } latestMaterializationByPartition(partitions: $partitions) { partition } } }"""

_LAST_RUN = """query($tags: [ExecutionTag!]) { runsOrError(filter: {tags: $tags}, limit: 1) {
  ... on Runs { results { status } } } }"""

_STATUS = "query($id: ID!) { runOrError(runId: $id) { ... on Run { status } } }"

_LAUNCH = """mutation($params: ExecutionParams!) { launchRun(executionParams: $params) {
  __typename ... on LaunchRunSuccess { run { runId } } ... on Error { message } } }"""

# Seconds in which a webserver that was killed is there again.
PATIENCE = 60.0
# Seconds for one answer: beside much else a launch, which its code server plans, has taken more than half a minute.
ANSWER = 120.0

Key = tuple[str, ...]
# How Dagster begins the message of the library's UserError; what, why and how are a line each.
LIBRARY_ERROR = "atoll.errors.UserError: "
# Dagster's error where no code server answers, or none in time.
UNREACHABLE = "DagsterUserCodeUnreachableError"

Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Sensor:
    """A sensor as the page sees it: `looked` is when its last finished look began, in seconds of the epoch, or 0."""

    location: str
    name: str
    running: bool
    looked: float


@dataclass(frozen=True)
class Location:
    """One code location as the page sees it.

    `error` is the message of what did not load, of its cause where known; `image` is that of its code server's
    container, None where it has none. `version` is another one whenever the webserver has loaded it from another code
    server.
    """

    name: str
    loaded: bool
    error: str | None
    image: str | None = None
    version: str = ""

    def explain(self, how: str) -> UserError:
        """Say why it is not loaded; `how` mends code that does not load, the library's own errors say how."""
        lines = [line.strip() for line in (self.error or "").splitlines() if line.strip()]
        if lines and lines[0].startswith(LIBRARY_ERROR) and len(lines) == 3:
            return UserError(lines[0].removeprefix(LIBRARY_ERROR), *lines[1:])
        what = f"the definitions of {self.name} do not load."
        return UserError(what, lines[0] if lines else "Dagster gave no message", how)


@dataclass(frozen=True)
class ActiveRun:
    """A run that has not ended."""

    run_id: str
    status: str
    tags: dict[str, str]


class Page:
    """A running webserver, asked through GraphQL, with a login as `(user, password)` where it is behind one.

    `ca` is the file of who signed its certificate, where that is nobody whom the machine knows.

    Raises:
        OSError: from every method, when no webserver answers at the address, or what is before it does not let us in.
    """

    def __init__(self, address: str, login: tuple[str, str] | None = None, ca: Path | None = None) -> None:
        self.address = address
        self._headers = {"Content-Type": "application/json"}
        if login:
            self._headers["Authorization"] = f"Basic {b64encode(':'.join(login).encode()).decode()}"
        trust = [urllib.request.HTTPSHandler(context=ssl.create_default_context(cafile=ca))] if ca else []
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), *trust)

    @classmethod
    def local(cls, port: int) -> "Page":
        """Return the page of a laptop."""
        return cls(f"http://127.0.0.1:{port}")

    def ask(self, query: str, **variables: Any) -> dict[str, Any]:
        """Return the answer's data."""
        body = json.dumps({"query": query, "variables": variables}).encode()
        request = urllib.request.Request(f"{self.address}/graphql", body, self._headers)  # noqa: S310
        try:
            with self._opener.open(request, timeout=ANSWER) as response:
                answer = json.load(response)
        except urllib.error.HTTPError as error:
            if error.headers.get_content_type() != "application/json":
                raise
            answer = json.load(error)
        if answer.get("errors"):
            raise RuntimeError(f"the page refused a query: {answer['errors']}")
        return answer["data"]

    def patiently(self, question: Callable[[], Answer]) -> Answer:
        """Ask a question again for some time where nothing answers.

        Raises:
            UserError: nothing has answered for that long.
        """
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                return question()
            except OSError as error:
                if time.monotonic() > deadline:
                    why = f"nothing has answered at {self.address} for {PATIENCE:.0f} s: {error}."
                    raise UserError("the page no longer answers.", why, "see that it runs, then this again.") from error
            time.sleep(1)

    def locations(self) -> list[Location]:
        """Return every code location that the webserver knows."""
        entries = self.ask(_LOCATIONS)["workspaceOrError"].get("locationEntries", [])
        return [_location(entry) for entry in entries]

    def reload(self, location: str) -> None:
        """Have the webserver load one location anew."""
        self.ask(_RELOAD, name=location)

    def active_runs(self) -> list[ActiveRun]:
        """Return the runs that have not ended."""
        results = self.ask(_ACTIVE_RUNS)["runsOrError"].get("results", [])
        return [ActiveRun(r["runId"], r["status"], {t["key"]: t["value"] for t in r["tags"]}) for r in results]

    def sensors(self) -> list[Sensor]:
        """Return every sensor of every location that is loaded."""
        nodes = self.ask(_SENSORS)["repositoriesOrError"].get("nodes", [])
        return [_sensor(node["location"]["name"], sensor) for node in nodes for sensor in node["sensors"]]

    def partitions(self) -> dict[str, dict[Key, list[str]]]:
        """Return, by location and asset key, the partition keys of every asset that can be materialized."""
        found: dict[str, dict[Key, list[str]]] = {}
        for node in self.ask(_PARTITIONS)["assetNodes"]:
            if node["isMaterializable"]:
                location = found.setdefault(node["repository"]["location"]["name"], {})
                location[tuple(node["assetKey"]["path"])] = node["partitionKeys"]
        return found

    def made(self, keys: Iterable[Key], partitions: Iterable[str]) -> dict[Key, set[str]]:
        """Return which of these partitions were ever made, by asset key."""
        inputs = [{"path": key} for key in keys]
        nodes = self.ask(_MADE, keys=inputs, partitions=list(partitions))["assetNodes"]
        return {
            tuple(node["assetKey"]["path"]): {
                made["partition"] for made in node["latestMaterializationByPartition"] if made
            }
            for node in nodes
        }

    def last_status(self, tags: Mapping[str, str]) -> str | None:
        """Return the status of the last run that has these tags; None where there is none."""
        results = self.ask(_LAST_RUN, tags=_pairs(tags))["runsOrError"]["results"]
        return results[0]["status"] if results else None

    def launch(self, location: str, keys: Iterable[Key], tags: Mapping[str, str]) -> str:
        """Start a run of assets of a location and their checks, as the button Materialize does; return its id.

        Raises:
            UserError: Dagster does not take it.
        """
        selector = {
            "repositoryLocationName": location,
            "repositoryName": "__repository__",
            "jobName": "__ASSET_JOB",
            "assetSelection": [{"path": key} for key in keys],
        }
        params = {"selector": selector, "mode": "default", "executionMetadata": {"tags": _pairs(tags)}}
        answer = self.ask(_LAUNCH, params=params)["launchRun"]
        if "run" not in answer:
            why = answer.get("message", answer["__typename"]).strip().splitlines()[0]
            raise UserError(
                f"no run of {location} was started.", f"Dagster says: {why}", f"see {self.address}/locations"
            )
        return answer["run"]["runId"]

    def run_status(self, run_id: str) -> str:
        """Return the status of a run, such as STARTED."""
        return self.ask(_STATUS, id=run_id)["runOrError"]["status"]

    def terminate_runs(self, run_ids: list[str], *, force: bool) -> None:
        """Ask that runs end; with `force` mark them as cancelled without waiting for their processes."""
        policy = "MARK_AS_CANCELED_IMMEDIATELY" if force else "SAFE_TERMINATE"
        self.ask(_TERMINATE, ids=run_ids, policy=policy)


def _pairs(tags: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"key": key, "value": value} for key, value in tags.items()]


def _sensor(location: str, sensor: dict[str, Any]) -> Sensor:
    state = sensor["sensorState"]
    looked = max((tick["timestamp"] for tick in state["ticks"]), default=0.0)
    return Sensor(location, sensor["name"], state["status"] == "RUNNING", looked)


def _location(entry: dict[str, Any]) -> Location:
    result = entry["locationOrLoadError"] or {}
    failed = result.get("__typename") == "PythonError"
    error = _cause(result) if failed else None
    image = next((fact["value"] for fact in entry["displayMetadata"] if fact["key"] == "image"), None)
    loaded = entry["loadStatus"] == "LOADED" and error is None and bool(result)
    return Location(entry["name"], loaded, error, image, entry["versionKey"])


def _cause(error: dict[str, Any]) -> str:
    """Return the message of the last cause, or Dagster's own where nothing was reached: gRPC's says less."""
    messages = [each["message"] for each in (error, *error["causes"])]
    return next((message for message in messages if UNREACHABLE in message), messages[-1])
