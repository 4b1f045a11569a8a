"""What goes on by itself: a schedule that a person switched on, and an asset that follows from another location's."""

import time

from runs import wait_for_end
from server import Running
from trials import LENDER, LENT, NAME, TICKING
from waiting import wait_until

_START = "mutation($selector: ScheduleSelector!) { startSchedule(scheduleSelector: $selector) { __typename } }"

_TICKS = """query($selector: InstigationSelector!) { instigationStateOrError(instigationSelector: $selector) {
  ... on InstigationState { status ticks(limit: 20) { timestamp status } } } }"""

_MADE = """query($key: AssetKeyInput!) { assetOrError(assetKey: $key) { ... on Asset {
  assetMaterializations(limit: 1) { runId runOrError { ... on Run { creationTime tags { key value } } } } } } }"""


def switch_on(server: Running) -> None:
    """Switch the schedule on, as a person does in the page."""
    started = server.page.ask(_START, selector=_select("scheduleName"))
    assert started["startSchedule"]["__typename"] == "ScheduleStateResult", started


def assert_goes_on(server: Running) -> None:
    """Assert that from now on the schedule ticks, and that what another location makes is followed, in its image."""
    since = time.time()
    server.succeed(server.launch(LENDER, LENT))
    wait_until(lambda: _newest_echo(server).get("creationTime", 0) > since, "what follows from another location")
    tags = {tag["key"]: tag["value"] for tag in _newest_echo(server)["tags"]}
    assert "dagster/from_automation_condition" in tags
    assert tags["dagster/image"] == server.released(NAME)
    wait_until(lambda: _list_ticks(server, since), "the schedule's tick")
    assert set(_list_ticks(server, since)) <= {"SKIPPED", "STARTED"}


def _newest_echo(server: Running) -> dict:
    """Return the run that made it last, once that has ended; nothing where there is none."""
    made = server.page.ask(_MADE, key={"path": [NAME, "echo"]})["assetOrError"].get("assetMaterializations", [])
    for entry in made:
        assert wait_for_end(server.page, entry["runId"]) == "SUCCESS"
        return entry["runOrError"]
    return {}


def _list_ticks(server: Running, since: float) -> list[str]:
    """Return how the schedule's ticks since then went."""
    found = server.page.ask(_TICKS, selector=_select("name"))["instigationStateOrError"]
    assert found["status"] == "RUNNING", found
    return [tick["status"] for tick in found["ticks"] if tick["timestamp"] > since]


def _select(kind: str) -> dict[str, str]:
    return {"repositoryLocationName": NAME, "repositoryName": "__repository__", kind: TICKING}
