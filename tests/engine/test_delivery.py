"""A merge: the steps of the delivery's workflow, in their order and to the letter, and what they leave."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from clone import SEPARATE, Clone, Finished
from editions import SHORTLY, deploy
from runs import list_assets
from server import NAME, NEXT_WEEK, Running
from trials import NAME as TRIALS

WORKFLOW = Path(".github", "workflows", "delivery.yml")

MERGED = '''"""What a teammate has merged."""

import dagster as dg


@dg.asset(key_prefix="trials")
def merged():
    """There since the merge."""
    return 1
'''

TEST = """from trials.defs.merged import merged


def test_it_is_one():
    assert merged() == 1
"""

# The teammate, as the workflow names whoever merged.
WHO = {"GIT_AUTHOR_NAME": "teammate", "GIT_AUTHOR_EMAIL": "teammate@example.org"}


@dataclass(frozen=True)
class Delivery:
    """What each step of a merge said, and which containers there were before it, by service."""

    said: dict[str, Finished]
    before: dict[str, str]


def list_steps(clone: Clone) -> list[str]:
    (job,) = yaml.safe_load((clone.root / WORKFLOW).read_text())["jobs"].values()
    return [step["run"].replace("staging", NAME) for step in job["steps"]]


def list_containers(server: Running) -> dict[str, str]:
    return {service: container["Id"] for service, container in server.containers().items()}


def run(clone: Clone, *command: str | Path, cwd: Path | None = None) -> str:
    done = clone.run(*command, cwd=cwd)
    assert done.code == 0, done.text
    return done.stdout.strip()


@pytest.fixture(scope="module")
def committed(server: Running) -> Running:
    """The server runs what git has; other tests have left there what is in no commit."""
    (server.clone.root / "code_locations" / TRIALS / "src" / TRIALS / "defs" / "editions.py").unlink(missing_ok=True)
    for command in (["build"], ["release", "--all", NAME]):
        done = server.clone.atoll(*command)
        assert done.code == 0, done.text
    done = deploy(server, SHORTLY)
    assert done.code == 0, done.text
    return server


@pytest.fixture(scope="module")
def merged(committed: Running, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """The branch that the server's checkout follows has a commit more: a new asset, and its test."""
    clone, folder = committed.clone, tmp_path_factory.mktemp("merge")
    upstream, elsewhere = folder / "upstream.git", folder / "elsewhere"
    branch = run(clone, "git", "branch", "--show-current")
    run(clone, "git", "clone", "-q", "--bare", ".", upstream)
    run(clone, "git", "remote", "add", "origin", upstream)
    try:
        run(clone, "git", "fetch", "-q")
        run(clone, "git", "branch", "-q", f"--set-upstream-to=origin/{branch}")
        run(clone, "git", "clone", "-q", upstream, elsewhere)
        project = elsewhere / "code_locations" / TRIALS
        for path, text in {f"src/{TRIALS}/defs/merged.py": MERGED, "tests/test_merged.py": TEST}.items():
            (project / path).parent.mkdir(exist_ok=True)
            (project / path).write_text(text)
        run(clone, "git", "add", "-A", cwd=elsewhere)
        run(clone, *SEPARATE, "commit", "-qm", "an asset more", cwd=elsewhere)
        run(clone, "git", "push", "-q", cwd=elsewhere)
        yield committed
    finally:
        run(clone, "git", "remote", "remove", "origin")


@pytest.fixture(scope="module")
def delivery(merged: Running) -> Delivery:
    server, said = merged, dict[str, Finished]()
    before = list_containers(server)
    for step in list_steps(server.clone):
        if step.startswith("./atoll run ") and not any(known.startswith("./atoll run ") for known in said):
            arrived = server.atoll("replay", "aviation_data", "--from", NEXT_WEEK, "--to", NEXT_WEEK)
            assert arrived.code == 0, arrived.text
        said[step] = server.clone.run("sh", "-ec", step, cwd=None, **WHO)
        assert said[step].code == 0, (step, said[step].text)
    return Delivery(said, before)


def test_each_step_is_one_command_of_ours(server):
    steps = list_steps(server.clone)
    assert [step.split()[1] for step in steps][:5] == ["update", "test", "build", "release", "deploy"]
    assert {step.split()[1] for step in steps[5:]} == {"run"}
    for step in steps:
        assert step.startswith("./atoll ")
        assert not set(step) & set("\n;&|<>$`")


def test_what_differs_is_tested_and_built_alone(server, delivery):
    tested = delivery.said[f"./atoll test --since {NAME}"].text
    assert f"differs from {NAME}: {TRIALS}\n" in tested
    assert "1 passed" in tested
    built = delivery.said["./atoll build"].text
    assert [line for line in built.splitlines() if "unchanged" not in line and line.startswith(TRIALS)]
    for location in set(server.clone.locations) - {TRIALS}:
        assert f"{location}: unchanged" in built


def test_what_was_merged_runs_and_nothing_else_was_touched(server, delivery):
    now = list_containers(server)
    assert now[TRIALS] != delivery.before[TRIALS]
    assert now | {TRIALS: ""} == delivery.before | {TRIALS: ""}
    assert (TRIALS, "merged") in [asset.key for asset in list_assets(server.page)]


def test_the_history_names_the_merge_and_who_merged(server, delivery):
    newest = json.loads(run(server.clone, "./atoll", "history", NAME, "--json"))[0]
    assert (newest["verb"], newest["reason"], newest["outcome"]) == ("deploy", "a merge into main", "done")
    assert "teammate" in json.dumps(newest)


def test_each_project_was_tried(server, delivery):
    tried = [step.split()[2] for step in delivery.said if step.startswith("./atoll run ")]
    assert sorted(tried) == sorted(set(server.clone.locations) - {TRIALS})
    examples = server.manifest("flight_delays/examples", "--partition", NEXT_WEEK)
    assert examples["image"] == server.released("flight_delays")
