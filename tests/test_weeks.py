"""Weeks that arrive on the running platform: in order, late, corrupt, corrected; nothing is called but the command."""

import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from clone import Clone, Finished
from dev import Dev

NEVER = "2020-01-01"
# Three weeks in order, a late one, a corrupt one, one that is corrected afterwards, and one more.
FIRST, SECOND, THIRD = "2013-03-03", "2013-03-10", "2013-03-17"
LATE, CORRUPT, CORRECTED, LAST = "2013-03-24", "2013-03-31", "2013-04-07", "2013-04-14"
WEEKS = (FIRST, SECOND, THIRD, LATE, CORRUPT, CORRECTED, LAST)
EARLIER = [
    "2012-12-30", "2013-01-06", "2013-01-13", "2013-01-20", "2013-01-27",
    "2013-02-03", "2013-02-10", "2013-02-17", "2013-02-24",
]  # fmt: skip
PLAN = [
    *({"week": week, "arrives": NEVER} for week in EARLIER),
    {"week": LATE, "arrives": "2013-04-10"},
    {"week": CORRUPT, "fault": "corrupt"},
    {"week": CORRECTED, "fault": "incomplete"},
    {"week": CORRECTED, "arrives": "2013-04-18"},
]

_RUNS = """{ runsOrError { ... on Runs { results {
  runId status creationTime startTime endTime tags { key value } assetSelection { path } } } } }"""

_RELOAD = "mutation($name: String!) { reloadRepositoryLocation(repositoryLocationName: $name) { __typename } }"

_MADE = """query($key: AssetKeyInput!, $weeks: [String!]) { assetOrError(assetKey: $key) { ... on Asset {
  assetMaterializations(partitions: $weeks) { partition timestamp runId tags { key value } } } } }"""


@dataclass(frozen=True)
class Run:
    """A run as the page lists it."""

    location: str
    week: str | None
    status: str
    created: float
    ended: float
    tags: dict[str, str]


@dataclass(frozen=True)
class History:
    """What the page knows when two replays and a reload between them are over, and what they printed."""

    dev: Dev
    store: Path
    replays: tuple[Finished, Finished]
    runs: list[Run]


def list_runs(dev: Dev) -> list[Run]:
    runs = []
    for found in dev.page.ask(_RUNS)["runsOrError"]["results"]:
        tags = {tag["key"]: tag["value"] for tag in found["tags"]}
        location, week = tags["dagster/code_location"], tags.get("dagster/partition")
        runs.append(Run(location, week, found["status"], found["creationTime"], found["endTime"] or 0.0, tags))
    return runs


def manifest(store: Path, asset: str, week: str) -> dict[str, Any]:
    """Return what the store knows of the current table of a week, on the sample."""
    return json.loads((store / "sample" / asset / week / "current.json").read_text())["manifest"]


@pytest.fixture(scope="module")
def history(first_start, tmp_path_factory: pytest.TempPathFactory) -> Iterator[History]:
    clone: Clone = first_start.terminal.idle()
    folder = tmp_path_factory.mktemp("weeks")
    lines = [
        "[[delivery]]\n"
        + "".join(f"{name} = {value if name != 'fault' else json.dumps(value)}\n" for name, value in entry.items())
        for entry in PLAN
    ]
    (folder / "arrivals.toml").write_text("\n".join(lines))
    settings = clone.root / "atoll.toml"
    settings.write_text(re.sub(r"today = .*", f"today = {FIRST}", settings.read_text()))
    try:
        with Dev(
            clone,
            ATOLL_AUTOMATION="true",
            ATOLL_STORE=str(folder / "store"),
            AVIATION_DATA_ARRIVALS=str(folder / "arrivals.toml"),
        ) as dev:
            before = len(list_runs(dev))
            one = clone.atoll("replay", "aviation_data", "--from", FIRST, "--to", THIRD)
            assert dev.page.ask(_RELOAD, name="flight_delays")["reloadRepositoryLocation"]
            two = clone.atoll("replay", "aviation_data", "--from", LATE, "--to", LAST)
            runs = list_runs(dev)
            yield History(dev, folder / "store", (one, two), runs[: len(runs) - before])
    finally:
        (clone.root / ".atoll" / "clock.json").unlink(missing_ok=True)
        clone.restore()


def weekly(history: History, location: str) -> dict[str, list[Run]]:
    """Return the runs of a location by week, oldest first."""
    runs = sorted((run for run in history.runs if run.location == location), key=lambda run: run.created)
    return {week: [run for run in runs if run.week == week] for week in (*EARLIER, *WEEKS)}


def test_weeks_that_are_whole_are_green_and_the_corrupt_one_is_not(history):
    one, two = history.replays
    assert one.code == 0, one.text
    assert two.code == 1, two.text
    marks = {line.split()[1]: line.split()[0] for line in two.stdout.splitlines() if line[:1] in "✓✗"}
    assert marks == {LATE: "✓", CORRUPT: "✗", CORRECTED: "✓", LAST: "✓"}


def test_nothing_is_made_of_a_week_before_it_arrives(history):
    for location in ("aviation_data", "flight_delays"):
        assert [run for week in EARLIER for run in weekly(history, location)[week]] == []


def test_each_week_is_landed_once_and_again_only_when_it_was_corrected(history):
    runs = {week: [run.status for run in found] for week, found in weekly(history, "aviation_data").items()}
    expected = {week: ["SUCCESS"] for week in WEEKS} | {CORRUPT: ["FAILURE"], CORRECTED: ["SUCCESS", "SUCCESS"]}
    assert {week: runs[week] for week in WEEKS} == expected


def test_each_week_upstream_caused_that_week_downstream_and_no_week_ran_twice(history):
    """Features are one run; training, predictions and evaluation are another, from the week on that has a model."""
    upstream, downstream = weekly(history, "aviation_data"), weekly(history, "flight_delays")
    counts = {week: len(downstream[week]) for week in WEEKS}
    assert counts == {FIRST: 1, SECOND: 2, THIRD: 2, LATE: 2, CORRUPT: 0, CORRECTED: 4, LAST: 2}
    for week in WEEKS:
        for run in downstream[week]:
            assert run.status == "SUCCESS"
            assert run.tags["dagster/from_automation_condition"] == "true"
            assert run.created > upstream[week][0].ended
        if downstream[week]:
            read = manifest(history.store, "flight_delays/outcomes", week)["inputs"]["aviation_data/flights"]
            assert read == {week: manifest(history.store, "aviation_data/flights", week)["data_version"]}


def test_no_asset_of_a_week_was_made_twice_for_one_delivery(history):
    deliveries = Counter({week: 1 for week in WEEKS} | {CORRUPT: 0, CORRECTED: 2})
    for asset in ("outcomes", "features", "model", "evaluation"):
        for week in WEEKS[1:]:
            found = history.dev.page.ask(_MADE, key={"path": ["flight_delays", asset]}, weeks=[week])["assetOrError"][
                "assetMaterializations"
            ]
            mine = [
                entry for entry in found if float(entry["timestamp"]) / 1000 > min(run.created for run in history.runs)
            ]
            assert len(mine) == deliveries[week], (asset, week)


def test_the_late_week_came_after_the_weeks_that_follow_it(history):
    upstream = weekly(history, "aviation_data")
    assert upstream[LATE][0].created > upstream[CORRUPT][0].created
