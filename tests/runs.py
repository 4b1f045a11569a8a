"""Runs as the page starts and shows them, through GraphQL."""

import json
import re
from dataclasses import dataclass
from typing import Any

from atoll_control.graphql import Page
from waiting import wait_until

# The projects whose assets have no partitions: one run makes everything.
WHOLE = ("product_recommendations", "vehicle_prices")
ENDED = {"SUCCESS", "FAILURE", "CANCELED"}

_ASSETS = "{ assetNodes { assetKey { path } groupName repository { location { name } } } }"

_LAUNCH = """mutation($params: ExecutionParams!) { launchRun(executionParams: $params) {
  __typename ... on LaunchRunSuccess { run { runId } } ... on PythonError { message } } }"""

_STATUS = "query($id: ID!) { runOrError(runId: $id) { __typename ... on Run { status tags { key value } } } }"

_EVENTS = """query($id: ID!) { logsForRun(runId: $id) { ... on EventConnection { events {
  __typename
  ... on MessageEvent { message }
  ... on MaterializationEvent { assetKey { path } metadataEntries {
    label __typename
    ... on IntMetadataEntry { intValue } ... on FloatMetadataEntry { floatValue } ... on TextMetadataEntry { text }
    ... on JsonMetadataEntry { jsonString } ... on MarkdownMetadataEntry { mdStr } ... on PathMetadataEntry { path } } }
  ... on AssetCheckEvaluationEvent { evaluation { checkName success assetKey { path } } } } } } }"""

_VALUES = {"intValue", "floatValue", "text", "mdStr", "path"}


@dataclass(frozen=True)
class Asset:
    """An asset as the page lists it."""

    key: tuple[str, ...]
    location: str
    group: str


def list_assets(page: Page) -> list[Asset]:
    return [
        Asset(tuple(node["assetKey"]["path"]), node["repository"]["location"]["name"], node["groupName"])
        for node in page.ask(_ASSETS)["assetNodes"]
    ]


def launch(
    page: Page, location: str, *names: str, partition: str | None = None, config: dict[str, Any] | None = None
) -> str:
    """Start a run of these assets of a location, or of all, the way the button Materialize does; return its id.

    An asset is named by its key after the location; `config` is that of the launchpad.
    """
    keys = [asset.key for asset in list_assets(page) if asset.location == location]
    chosen = [key for key in keys if not names or "/".join(key[1:]) in names]
    assert len(chosen) == (len(names) or len(keys)) > 0
    selector = {
        "repositoryLocationName": location,
        "repositoryName": "__repository__",
        "jobName": "__ASSET_JOB",
        "assetSelection": [{"path": key} for key in chosen],
    }
    params = {
        "selector": selector,
        "mode": "default",
        "runConfigData": json.dumps(config or {}),
        "executionMetadata": {"tags": [{"key": "dagster/partition", "value": partition}] if partition else []},
    }
    answer = page.ask(_LAUNCH, params=params)["launchRun"]
    assert answer["__typename"] == "LaunchRunSuccess", answer
    return answer["run"]["runId"]


def status(page: Page, run: str) -> str:
    answer = page.ask(_STATUS, id=run)["runOrError"]
    assert answer["__typename"] == "Run", answer
    return answer["status"]


def wait_for_end(page: Page, run: str) -> str:
    wait_until(lambda: status(page, run) in ENDED, f"the end of run {run}")
    return status(page, run)


def pid_of(page: Page, run: str) -> int:
    """Wait until a run computes and return its process."""
    wait_until(lambda: "Started execution of step" in messages(page, run), f"a step of run {run}", pause=0.2)
    found = re.search(r"Executing steps in process \(pid: (\d+)\)", messages(page, run))
    assert found
    return int(found[1])


def events(page: Page, run: str) -> list[dict[str, Any]]:
    return page.ask(_EVENTS, id=run)["logsForRun"]["events"]


def messages(page: Page, run: str) -> str:
    return "\n".join(event["message"] for event in events(page, run) if "message" in event)


def materializations(page: Page, run: str) -> dict[tuple[str, ...], dict[str, Any]]:
    """Return what a run materialized: the metadata by label, by asset key."""
    return {
        tuple(event["assetKey"]["path"]): {entry["label"]: _value(entry) for entry in event["metadataEntries"]}
        for event in events(page, run)
        if event["__typename"] == "MaterializationEvent"
    }


def checks(page: Page, run: str) -> dict[str, bool]:
    return {
        "/".join([*event["evaluation"]["assetKey"]["path"], event["evaluation"]["checkName"]]): event["evaluation"][
            "success"
        ]
        for event in events(page, run)
        if event["__typename"] == "AssetCheckEvaluationEvent"
    }


def _value(entry: dict[str, Any]) -> Any:
    if entry["__typename"] == "JsonMetadataEntry":
        return json.loads(entry["jsonString"])
    return next((entry[name] for name in _VALUES & entry.keys()), None)
