"""One run, launched and watched through the page's own interface."""

import time
from collections.abc import Callable
from typing import Any

from atoll_control.graphql import Page

ENDED = ("SUCCESS", "FAILURE", "CANCELED")

LAUNCH = """mutation($launch: ExecutionParams!) { launchRun(executionParams: $launch) {
  __typename ... on LaunchRunSuccess { run { runId } } ... on PythonError { message } } }"""
STATUS = "query($run: ID!) { runOrError(runId: $run) { ... on Run { status } } }"
RESULT = """query($run: ID!) { runOrError(runId: $run) { ... on Run {
  stats { ... on RunStatsSnapshot { enqueuedTime launchTime startTime endTime } }
  assetMaterializations { metadataEntries { label ... on FloatMetadataEntry { floatValue } } } } } }"""


def run_assets(page: Page, location: str, assets: list[list[str]], read_log: Callable[[], str]) -> dict[str, Any]:
    """Launch assets as the page's button does, and wait for the end; `read_log` says more where it fails.

    Returns:
        Seconds since the epoch: `asked`, `enqueuedTime`, `launchTime`, `startTime`, `endTime`, `seen`;
        and `metadata`, the numbers that the assets reported, by label.
    """
    selector = {
        "repositoryLocationName": location,
        "repositoryName": "__repository__",
        "jobName": "__ASSET_JOB",
        "assetSelection": [{"path": path} for path in assets],
    }
    asked = time.time()
    answer = page.ask(LAUNCH, launch={"selector": selector, "mode": "default"})["launchRun"]
    if answer["__typename"] != "LaunchRunSuccess":
        raise RuntimeError(f"the launch was refused: {answer}")
    run = answer["run"]["runId"]
    while (status := page.ask(STATUS, run=run)["runOrError"]["status"]) not in ENDED:
        time.sleep(0.1)
    seen = time.time()
    if status != "SUCCESS":
        raise RuntimeError(f"the run ended with {status}:\n{read_log()}")
    result = page.ask(RESULT, run=run)["runOrError"]
    entries = [entry for made in result["assetMaterializations"] for entry in made["metadataEntries"]]
    numbers = {entry["label"]: entry["floatValue"] for entry in entries if "floatValue" in entry}
    return {"asked": asked, **result["stats"], "seen": seen, "metadata": numbers}
