"""The life of a model on the running platform: weeks arrive, nothing is called but the command and the page.

In order, late, corrupt and corrected; daemon and sensors notice, train, judge, and promote or refuse.
"""

import json
import re
import threading
from collections import Counter
from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from atoll_control.author import find_author
from clone import Clone, Finished, make_clone
from dev import Dev, mlflow_group
from runs import launch, wait_for_end
from waiting import wait_until

NEVER = "2020-01-01"
# A week like any other, a late one, a corrupt one, one that is corrected afterwards, and one more.
WEEKS = FIRST, LATE, CORRUPT, CORRECTED, LAST = "2013-05-19", "2013-05-26", "2013-06-02", "2013-06-09", "2013-06-16"
# What was made before: fourteen weeks, ten of them with models, of which two were promoted.
PAST = [str(date(2013, 2, 10) + timedelta(weeks=number)) for number in range(14)]
PLAN = [
    *({"week": week, "arrives": NEVER} for week in PAST),
    {"week": LATE, "arrives": "2013-06-12"},
    {"week": CORRUPT, "fault": "corrupt"},
    {"week": CORRECTED, "fault": "incomplete"},
    {"week": CORRECTED, "arrives": "2013-06-20"},
]
# A model that has hardly learnt anything.
WORSE = {"ops": {"flight_delays__model": {"config": {"parameters": {"max_iter": 1}}}}}

_RUNS = """{ runsOrError { ... on Runs { results {
  runId status creationTime startTime endTime tags { key value } assetSelection { path } } } } }"""

_RELOAD = "mutation($name: String!) { reloadRepositoryLocation(repositoryLocationName: $name) { __typename } }"

_CHECK = """query($key: AssetKeyInput!, $check: String!) {
  assetCheckExecutions(assetKey: $key, checkName: $check, limit: 50) {
    partition evaluation { success severity description } } }"""

_MADE = """query($key: AssetKeyInput!, $weeks: [String!]) { assetOrError(assetKey: $key) { ... on Asset {
  assetMaterializations(partitions: $weeks) { partition timestamp runId tags { key value }
    metadataEntries { label ... on TextMetadataEntry { text } } } } } }"""


@dataclass(frozen=True)
class Run:
    """A run as the page lists it."""

    id: str
    location: str
    week: str | None
    status: str
    created: float
    ended: float
    tags: dict[str, str]


@dataclass(frozen=True)
class History:
    """What the page knows when two replays and a reload between them are over, what they printed, and what is decided.

    `days` says when the clock came to a day. Then a worse model of the last week was trained in the page, which is in
    `after`.
    """

    dev: Dev
    clone: Clone
    store: Path
    replays: tuple[Finished, Finished]
    days: dict[str, float]
    runs: list[Run]
    models: dict[str, Any]
    after: dict[str, Any]


def list_runs(dev: Dev) -> list[Run]:
    runs = []
    for found in dev.page.ask(_RUNS)["runsOrError"]["results"]:
        tags = {tag["key"]: tag["value"] for tag in found["tags"]}
        location, week = tags["dagster/code_location"], tags.get("dagster/partition")
        times = found["creationTime"], found["endTime"] or 0.0
        runs.append(Run(found["runId"], location, week, found["status"], *times, tags))
    return runs


def manifest(store: Path, asset: str, week: str) -> dict[str, Any]:
    """Return what the store knows of the current table of a week."""
    return json.loads((store / "full" / asset / week / "current.json").read_text())["manifest"]


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> Iterator[History]:
    clone = make_clone(tmp_path_factory.mktemp("loop"))
    clone.keep("aviation_data", "flight_delays", "operations")
    installed = clone.atoll("sync")
    assert installed.code == 0, installed.text
    folder = tmp_path_factory.mktemp("weeks")
    lines = [
        "[[delivery]]\n"
        + "".join(f"{name} = {value if name != 'fault' else json.dumps(value)}\n" for name, value in entry.items())
        for entry in PLAN
    ]
    (folder / "arrivals.toml").write_text("\n".join(lines))
    settings = clone.root / "atoll.toml"
    text = re.sub(r"today = .*", f"today = {FIRST}", settings.read_text())
    settings.write_text(re.sub(r"sensor_interval = .*", "sensor_interval = 10", text))
    everywhere = {"ATOLL_PROFILE": "full", "ATOLL_STORE": str(folder / "store")}
    for location in ("aviation_data", "flight_delays"):
        past = clone.atoll("run", location, "--partition", f"{PAST[0]}..{PAST[-1]}", **everywhere)
        assert past.code == 0, past.text
    arrivals = str(folder / "arrivals.toml")
    with (
        Dev(clone, **everywhere, ATOLL_AUTOMATION="true", AVIATION_DATA_ARRIVALS=arrivals) as dev,
        watching(clone.root / ".atoll" / "clock.json") as days,
    ):
        mlflow_group(dev)
        before = len(list_runs(dev))
        one = clone.atoll("replay", "aviation_data", "--from", FIRST, "--to", FIRST)
        assert dev.page.ask(_RELOAD, name="flight_delays")["reloadRepositoryLocation"]
        two = clone.atoll("replay", "aviation_data", "--from", LATE, "--to", LAST)
        runs = list_runs(dev)
        models = list_models(clone, everywhere)
        worse = launch(dev.page, "flight_delays", "model", partition=LAST, config=WORSE)
        assert wait_for_end(dev.page, worse) == "SUCCESS"
        after = list_models(clone, everywhere)
        mine = runs[: len(runs) - before]
        yield History(dev, clone, folder / "store", (one, two), dict(days), mine, models, after)


@contextmanager
def watching(clock: Path) -> Generator[dict[str, float]]:
    """Note when the platform's clock came to each day, in seconds since the epoch."""
    days: dict[str, float] = {}
    over = threading.Event()

    def watch() -> None:
        while not over.wait(0.1):
            with suppress(FileNotFoundError):
                moved = clock.stat().st_mtime
                days.setdefault(json.loads(clock.read_text())["today"], moved)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield days
    finally:
        over.set()
        watcher.join()


def arrivals_of(week: str) -> list[str]:
    """Return the days on which a week arrives, for the first time and corrected."""
    ended = str(date.fromisoformat(week) + timedelta(weeks=1))
    return sorted(entry.get("arrives", ended) for entry in PLAN if entry["week"] == week) or [ended]


def list_models(clone: Clone, environment: dict[str, str]) -> dict[str, Any]:
    listed = clone.atoll("models", "flight_delays", "--json", **environment)
    assert listed.code == 0, listed.text
    (model,) = json.loads(listed.stdout)
    return model


def decided(model: dict[str, Any], week: str) -> list[dict[str, Any]]:
    return [decision for decision in model["decisions"] if decision["partition"] == week]


def weekly(history: History, location: str) -> dict[str, list[Run]]:
    """Return the runs of a location by week, oldest first."""
    runs = sorted((run for run in history.runs if run.location == location), key=lambda run: run.created)
    return {week: [run for run in runs if run.week == week] for week in (*PAST, *WEEKS)}


def test_weeks_that_are_whole_are_green_and_the_corrupt_one_is_not(history):
    one, two = history.replays
    assert one.code == 0, one.text
    assert two.code == 1, two.text
    marks = {line.split()[1]: line.split()[0] for line in two.stdout.splitlines() if line[:1] in "✓✗"}
    assert marks == {LATE: "✓", CORRUPT: "✗", CORRECTED: "✓", LAST: "✓"}


def test_nothing_is_made_of_a_week_before_it_arrives(history):
    upstream, downstream = weekly(history, "aviation_data"), weekly(history, "flight_delays")
    assert [run for week in PAST for run in upstream[week] + downstream[week]] == []
    for week in WEEKS:
        moments = [min(history.days[day] for day in history.days if day >= arrives) for arrives in arrivals_of(week)]
        assert all(run.created >= moment for run, moment in zip(upstream[week], moments, strict=True)), week
        assert all(run.created >= moments[0] for run in downstream[week]), week


def test_each_week_is_landed_once_and_again_only_when_it_was_corrected(history):
    runs = {week: [run.status for run in found] for week, found in weekly(history, "aviation_data").items()}
    expected = {week: ["SUCCESS"] for week in WEEKS} | {CORRUPT: ["FAILURE"], CORRECTED: ["SUCCESS", "SUCCESS"]}
    assert {week: runs[week] for week in WEEKS} == expected


def test_each_week_upstream_caused_that_week_downstream_without_being_asked(history):
    upstream, downstream = weekly(history, "aviation_data"), weekly(history, "flight_delays")
    assert downstream[CORRUPT] == []
    for week in set(WEEKS) - {CORRUPT}:
        for run in downstream[week]:
            assert run.status == "SUCCESS"
            asked = "dagster/sensor_name" if "atoll/reason" in run.tags else "dagster/from_automation_condition"
            assert asked in run.tags
            assert run.created > upstream[week][0].created
        read = manifest(history.store, "flight_delays/outcomes", week)["inputs"]["aviation_data/flights"]
        assert read == {week: manifest(history.store, "aviation_data/flights", week)["data_version"]}


def test_no_asset_of_a_week_was_made_twice_for_one_delivery(history):
    deliveries = Counter({week: 1 for week in WEEKS} | {CORRUPT: 0, CORRECTED: 2})
    tags = {run.id: run.tags for run in history.runs}
    began = min(run.created for run in history.runs)
    wrong = {}
    for asset in ("outcomes", "features", "model", "evaluation"):
        for week in WEEKS[1:]:
            found = history.dev.page.ask(_MADE, key={"path": ["flight_delays", asset]}, weeks=[week])["assetOrError"]
            made = [entry for entry in found["assetMaterializations"] if float(entry["timestamp"]) / 1000 > began]
            by_hand = (asset, week) == ("model", LAST)
            if len(made) != deliveries[week] + by_hand:
                wrong[asset, week] = [(entry["timestamp"], tags.get(entry["runId"])) for entry in made]
    assert wrong == {}


def test_the_late_week_came_after_the_weeks_that_follow_it(history):
    upstream = weekly(history, "aviation_data")
    assert upstream[LATE][0].created > upstream[CORRUPT][0].created


def test_the_reason_of_a_training_is_on_its_run_and_drift_is_one(history):
    runs = weekly(history, "flight_delays")
    reasons = {week: [run.tags["atoll/reason"] for run in runs[week] if "atoll/reason" in run.tags] for week in WEEKS}
    new, drift = "new data: flight_delays/held_out", "drift: flight_delays/drift"
    assert reasons[FIRST] == [f"{new}, {drift}"]
    counts = {week: 1 for week in WEEKS} | {CORRUPT: 0, CORRECTED: 2}
    assert {week: len(found) for week, found in reasons.items()} == counts
    found = history.dev.page.ask(_CHECK, key={"path": ["flight_delays", "drift"]}, check="drift")
    (noticed,) = [entry["evaluation"] for entry in found["assetCheckExecutions"] if entry["partition"] == FIRST]
    assert (noticed["success"], noticed["severity"]) == (False, "WARN")
    assert noticed["description"].startswith("Moved: humid (")


def test_a_better_model_moves_the_champion_and_what_is_no_better_does_not(history):
    (first,), (late,) = (decided(history.models, week) for week in (FIRST, LATE))
    assert (first["outcome"], first["before"], first["champion"]) == ("promoted", 9, 11)
    assert first["figures"]["gain_low"] > 0
    assert first["asked"]["by"] == "sensor"
    assert first["asked"]["reason"].startswith("new data: ")
    assert (late["outcome"], late["before"], late["champion"]) == ("refused", 11, 11)


def test_a_decision_about_what_the_command_has_made_says_by_its_git_identity_who_asked(history):
    asked = history.models["decisions"][0]["asked"]
    assert (asked["by"], asked["who"]) == ("command", find_author(history.clone.checkout))


def test_bad_data_is_stopped_before_anything_learns_from_it(history):
    assert decided(history.models, CORRUPT) == []
    assert CORRUPT not in {version["partition"] for version in history.models["versions"]}
    learnt_from = manifest(history.store, "flight_delays/training_set", LAST)["inputs"]["flight_delays/examples"]
    assert learnt_from.keys() == {*PAST[-6:], FIRST, LATE, CORRECTED}


def champions_known(history: History, week: str, began: float, until: float) -> set[int]:
    """Return what was champion of the weeks before a week at some moment from `began` to `until`, by the decisions."""
    found = [decision for decision in history.models["decisions"] if decision["partition"] < week]
    moved = sorted(
        (decision for decision in found if decision["challenger"] == decision["champion"]),
        key=lambda decision: (decision["partition"], decision["number"]),
    )
    times = [datetime.fromisoformat(decision["time"]).timestamp() for decision in moved]
    moments = [began, *(time for time in times if began < time <= until)]
    return {
        [decision["champion"] for decision, time in zip(moved, times, strict=True) if time <= moment][-1]
        for moment in moments
    }


def test_the_champion_of_the_weeks_before_predicts(history):
    """The last week arrives together with a correction, whose model may be promoted before or after it is predicted."""
    versions = {}
    for week in (FIRST, LATE, LAST):
        asked = history.dev.page.ask(_MADE, key={"path": ["flight_delays", "predictions"]}, weeks=[week])
        made = asked["assetOrError"]["assetMaterializations"][0]
        (run,) = [run for run in history.runs if run.id == made["runId"]]
        text = next(entry["text"] for entry in made["metadataEntries"] if entry["label"] == "made by")
        versions[week] = int(text.removeprefix("version "))
        assert versions[week] in champions_known(history, week, run.created, float(made["timestamp"]) / 1000)
    assert (versions[FIRST], versions[LATE]) == (9, 11)


def test_a_worse_model_is_refused_with_the_figures(history):
    refused = decided(history.after, LAST)[-1]
    assert (refused["outcome"], refused["asked"]["by"]) == ("refused", "page")
    assert refused["champion"] == refused["before"]
    assert refused["figures"]["gain_high"] < 0
    assert aliases(history.after)["champion"] == aliases(history.models)["champion"]


def aliases(model: dict[str, Any]) -> dict[str, int]:
    return {alias: version["version"] for version in model["versions"] for alias in version["aliases"]}


LOAD = """
import sys
import mlflow
import numpy as np
from atoll import load, settings
from atoll.storage.store import Store
from atoll.storage.values import read

mlflow.set_tracking_uri(sys.argv[1])
rows = load("flight_delays/held_out", sys.argv[2])
champion = mlflow.pyfunc.load_model("models:/flight_delays@champion")
version = mlflow.MlflowClient().get_model_version_by_alias("flight_delays", "champion")
store = Store(settings().store)
own = read(store, store.read_version(version.tags["atoll/artefact"]))
np.testing.assert_array_equal(champion.predict(rows), own.predict(rows))
print(version.tags["atoll/version"], version.tags["decision"])
"""


def test_mlflow_hands_out_the_champion_by_its_alias_and_after_a_rollback_the_one_before(history):
    """Over HTTP, in the environment of the project."""
    folder = history.clone.root / "code_locations" / "flight_delays"
    address = f"http://127.0.0.1:{history.dev.mlflow_port}"
    everywhere = {"ATOLL_PROFILE": "full", "ATOLL_STORE": str(history.store)}

    def look() -> Finished:
        python = folder / ".venv" / "bin" / "python"
        return history.clone.run(python, "-c", LOAD, address, LAST, cwd=folder, **everywhere)

    decisions = sorted(history.after["decisions"], key=lambda found: (found["partition"], found["number"]))
    *_, earlier, champion = [found["challenger"] for found in decisions if found["challenger"] == found["champion"]]
    expected = f"{champion} promoted"
    wait_until(lambda: expected in look().stdout, f"`{expected}` in MLflow")
    assert look().code == 0
    back = history.clone.atoll("models", "rollback", "flight_delays", "--why", "to try it", "--json", **everywhere)
    assert back.code == 0, back.text
    done = json.loads(back.stdout)
    assert (done["before"], done["champion"], done["confirmed"]) == (champion, earlier, True)
    assert look().stdout == f"{earlier} rolled back\n"
    rolled_back = list_models(history.clone, everywhere)
    decision = rolled_back["decisions"][-1]
    assert (decision["partition"], decision["outcome"], decision["before"]) == (LAST, "rolled back", champion)
    assert decision["asked"] == {"by": "command", "who": find_author(history.clone.checkout), "reason": "to try it"}
    assert aliases(rolled_back)["champion"] == earlier
