"""Deployments: a code server is replaced without a gap, or stays as it was, whatever the new one does."""

from collections import Counter

import pytest

from automation import assert_goes_on, switch_on
from clients import ask_code_server, ask_page, asking, launch_edition
from editions import (
    DIES_AFTER_A_MINUTE,
    DOES_NOT_LOAD,
    DOES_NOT_START,
    SHORTLY,
    begin_deploy,
    build,
    code_servers,
    deploy,
    edition,
    history,
    roll_back,
)
from engine import inspect
from runs import materializations, wait_for_end
from server import Running
from trials import NAME
from waiting import wait_until

_RUN = """query($id: ID!) { runOrError(runId: $id) { ... on Run { pipelineSnapshotId tags { key value } } } }"""


@pytest.fixture(scope="module")
def first(server: Running) -> Running:
    """The server with the first edition, whose schedule is switched on by a person."""
    build(server, 1)
    done = deploy(server, SHORTLY)
    assert done.code == 0, done.text
    assert edition(server) == 1
    switch_on(server)
    return server


def test_nobody_notices_that_a_code_server_is_replaced(first):
    (before,) = code_servers(first)
    others = {name: box["Id"] for name, box in first.containers().items() if name != NAME}
    in_flight = first.begin_waiting()
    build(first, 2)
    with asking(first.page, {ask_page: 0.1, ask_code_server: 0.1, launch_edition: 10.0}) as said:
        deploying = begin_deploy(first, watching=65)
        wait_until(lambda: len(code_servers(first)) == 2, "the new code server beside the old one")
        second = first.clone.atoll("deploy", first.name)
        text = deploying.communicate()[1]
    assert deploying.returncode == 0, text
    assert said.failed == []
    assert said.asked >= 1000
    (after,) = code_servers(first)
    assert after["Config"]["Image"] == first.released(NAME) != before["Config"]["Image"]
    assert {name: box["Id"] for name, box in first.containers().items() if name != NAME} == others
    # What was launched meanwhile is of one edition or of the other, and of nothing between.
    made = Counter()
    for run in said.runs:
        assert wait_for_end(first.page, run) == "SUCCESS"
        found = first.page.ask(_RUN, id=run)["runOrError"]
        image = {tag["key"]: tag["value"] for tag in found["tags"]}["dagster/image"]
        made[image, found["pipelineSnapshotId"], materializations(first.page, run)[NAME, "edition"]["edition"]] += 1
    assert {(image, number) for image, _, number in made} == {
        (before["Config"]["Image"], 1),
        (after["Config"]["Image"], 2),
    }
    assert inspect(first.run_container(in_flight))[0]["Config"]["Image"] == before["Config"]["Image"]
    first.end_waiting(in_flight)
    assert second.code == 2
    assert "holds its lock" in second.text
    assert "./atoll deploy" in second.text


def test_what_is_automatic_goes_on_in_the_new_image(first):
    assert_goes_on(first)


@pytest.mark.parametrize(
    ("broken", "why"),
    [
        pytest.param(DOES_NOT_START, "no way to start", id="does not start"),
        pytest.param(DOES_NOT_LOAD, "this does not load", id="does not load"),
        pytest.param(DIES_AFTER_A_MINUTE, "it has ended after it had taken over", id="dies after a minute"),
    ],
)
def test_the_old_one_goes_on_where_the_new_one_is_broken(first, broken, why):
    (before,) = code_servers(first)
    was = edition(first)
    build(first, 3, broken)
    done = deploy(first, 65)
    assert done.code == 1, done.text
    assert why in done.text
    assert [box["Id"] for box in code_servers(first)] == [before["Id"]]
    assert edition(first) == was
    (last, *_) = history(first)
    assert last["outcome"] == "failed"
    assert NAME in last["failed"]


def test_a_good_one_after_a_broken_one_is_taken(first):
    build(first, 4)
    done = deploy(first, SHORTLY)
    assert done.code == 0, done.text
    assert edition(first) == 4
    assert history(first)[0]["outcome"] == "done"


def test_nothing_is_touched_where_everything_is_what_it_should_be(first):
    boxes = {name: box["Id"] for name, box in first.containers().items()}
    known = len(history(first))
    done = deploy(first, 65)
    assert done.code == 0, done.text
    assert "nothing to do" in done.text
    assert {name: box["Id"] for name, box in first.containers().items()} == boxes
    assert len(history(first)) == known


def test_a_rollback_runs_the_image_of_before_and_the_history_says_why(first):
    taken_back = first.released(NAME)
    done = roll_back(first, SHORTLY, "it was worse")
    assert done.code == 0, done.text
    assert edition(first) == 2
    assert_goes_on(first)
    last = history(first)[0]
    assert (last["verb"], last["reason"], last["outcome"]) == ("rollback", "it was worse", "done")
    (change,) = last["changes"]
    assert change["before"]["image"] == taken_back
    assert change["after"]["image"] == first.released(NAME)


def test_an_image_that_nobody_has_is_told_before_anything_is_touched(first):
    boxes = {name: box["Id"] for name, box in first.containers().items()}
    file = first.clone.root / "deploy" / "environments" / f"{first.name}.toml"
    text = file.read_text()
    file.write_text(text.replace(first.released(NAME).rpartition(":")[2], "0" * 64))
    try:
        done = deploy(first, SHORTLY)
    finally:
        file.write_text(text)
    assert done.code == 2
    assert f"the image of {NAME} that {first.name} runs is not here" in done.text
    assert {name: box["Id"] for name, box in first.containers().items()} == boxes
