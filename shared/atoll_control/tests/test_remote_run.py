from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest

from atoll_control import remote_run
from atoll_control.projects import Project

TOY = Project("toy", Path("code_locations/toy"))
WEEKS = [
    {"partition": "2013-03-03", "assets": ["toy/a"], "tags": {"dagster/partition": "2013-03-03"}},
    {"partition": "2013-03-10", "assets": ["toy/a", "toy/b"], "tags": {"dagster/partition": "2013-03-10"}},
]


class PageStandIn:
    """Stands in for a server's page: a run is queued, started and then at its end."""

    address = "https://server"

    def __init__(self) -> None:
        self.launched: list[tuple[str, list[tuple[str, ...]], dict[str, str]]] = []
        self.statuses: list[str] = []

    def launch(self, location: str, keys: Iterable[tuple[str, ...]], tags: Mapping[str, str]) -> str:
        assert not self.statuses
        self.launched.append((location, list(keys), dict(tags)))
        self.statuses = ["QUEUED", "STARTED", "SUCCESS"]
        return str(len(self.launched))

    def patiently(self, question: Any) -> Any:
        return question()

    def run_status(self, run_id: str) -> str:
        assert run_id == str(len(self.launched))
        return self.statuses.pop(0)


class LibraryStandIn:
    """Stands in for the library in the project's container."""

    def __init__(self, runs: list[dict[str, Any]], error: str | None = None) -> None:
        self.plan = {"success": True, "profile": "full", "runs": runs}
        self.error = error
        self.asked: list[tuple[str, ...]] = []

    def __call__(self, project: Project, command: str, *arguments: str) -> Any:
        assert project is TOY
        self.asked.append((command, *arguments))
        if command == "materialize":
            return self.plan
        summaries = [{"run_id": run, "success": self.error is None, "error": self.error} for run in arguments]
        return {"success": self.error is None, "runs": summaries} if len(summaries) > 1 else summaries[0]


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote_run, "POLL", 0)


def materialize(page: PageStandIn, library: LibraryStandIn, **options: Any) -> tuple[int, Any]:
    given = {"select": "*", "partition": None, "who": "Ada <ada@example.org>", "dry_run": False} | options
    return remote_run.materialize(page, library, TOY, **given)  # ty: ignore[invalid-argument-type]


def test_partitions_are_run_one_after_the_other_by_who_asks(capsys):
    page, library = PageStandIn(), LibraryStandIn(WEEKS)
    code, summary = materialize(page, library, select="a,b", partition="2013-03-03..2013-03-10")
    assert (code, [run["run_id"] for run in summary["runs"]]) == (0, ["1", "2"])
    chosen = ("--select", "a,b", "--partition", "2013-03-03..2013-03-10")
    assert library.asked == [
        ("materialize", "toy.definitions", *chosen, "--dry-run", "--summary", "-"),
        ("report", "1", "2"),
    ]
    who = {"atoll/who": "Ada <ada@example.org>"}
    assert page.launched == [
        ("toy", [("toy", "a")], {"dagster/partition": "2013-03-03", **who}),
        ("toy", [("toy", "a"), ("toy", "b")], {"dagster/partition": "2013-03-10", **who}),
    ]
    assert capsys.readouterr().err.splitlines() == [
        "2013-03-03 (1 of 2)",
        "https://server/runs/1",
        "2013-03-10 (2 of 2)",
        "https://server/runs/2",
    ]


def test_a_dry_run_launches_nothing():
    page, library = PageStandIn(), LibraryStandIn(WEEKS)
    assert materialize(page, library, dry_run=True) == (0, library.plan)
    assert page.launched == []


def test_a_run_that_failed_says_why_and_ends_with_1(capsys):
    page, library = PageStandIn(), LibraryStandIn(WEEKS[:1], error="it was out of memory")
    code, summary = materialize(page, library)
    assert (code, summary["success"]) == (1, False)
    assert capsys.readouterr().err.splitlines() == ["https://server/runs/1", "✗ it was out of memory"]


def test_ctrl_c_leaves_the_run_alone_and_says_where_it_is(capsys, monkeypatch):
    page, library = PageStandIn(), LibraryStandIn(WEEKS)

    def interrupt(_: str) -> str:
        raise KeyboardInterrupt

    monkeypatch.setattr(page, "run_status", interrupt)
    assert materialize(page, library) == (1, None)
    assert len(page.launched) == 1
    assert capsys.readouterr().err.splitlines()[-1] == "✗ it goes on without this command: https://server/runs/1"
