"""Clients that ask a page all the time, and keep what went wrong."""

import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field

from atoll_control.graphql import Page
from runs import launch
from trials import NAME

_PAGE = "{ repositoriesOrError { __typename ... on RepositoryConnection { nodes { location { name } } } } }"

_RUNS = "{ runsOrError(limit: 5) { __typename } }"

# Answered by the code server, each time.
_PLAN = """query($pipeline: PipelineSelector!) { executionPlanOrError(pipeline: $pipeline, mode: "default") {
  __typename ... on PythonError { message } } }"""


@dataclass
class Said:
    """How often clients asked, the longest that one waited, what failed, and the runs that they launched."""

    asked: int = 0
    longest: float = 0.0
    failed: list[str] = field(default_factory=list)
    runs: list[str] = field(default_factory=list)


Client = Callable[[Page, Said], None]


@contextmanager
def asking(page: Page, clients: dict[Client, float]) -> Generator[Said]:
    """Let each client ask meanwhile, once in so many seconds."""
    said, enough = Said(), threading.Event()
    threads = [
        threading.Thread(target=_repeat, args=(ask, pause, page, said, enough)) for ask, pause in clients.items()
    ]
    for thread in threads:
        thread.start()
    try:
        yield said
    finally:
        enough.set()
        for thread in threads:
            thread.join()


def _repeat(ask: Client, pause: float, page: Page, said: Said, enough: threading.Event) -> None:
    while not enough.is_set():
        began = time.monotonic()
        try:
            ask(page, said)
        except (OSError, RuntimeError, AssertionError) as error:
            said.failed.append(repr(error))
        lasted = time.monotonic() - began
        said.asked, said.longest = said.asked + 1, max(said.longest, lasted)
        enough.wait(max(0.0, pause - lasted))


def ask_page(page: Page, said: Said) -> None:
    answer = page.ask(_PAGE)["repositoriesOrError"]
    assert NAME in [node["location"]["name"] for node in answer["nodes"]], answer


def ask_database(page: Page, said: Said) -> None:
    answer = page.ask(_RUNS)["runsOrError"]
    assert answer["__typename"] == "Runs", answer


def ask_code_server(page: Page, said: Said) -> None:
    job = {"repositoryLocationName": NAME, "repositoryName": "__repository__", "pipelineName": "patient"}
    answer = page.ask(_PLAN, pipeline=job)["executionPlanOrError"]
    assert answer["__typename"] == "ExecutionPlan", answer


def launch_edition(page: Page, said: Said) -> None:
    said.runs.append(launch(page, NAME, "edition"))


def launch_patience(page: Page, said: Said) -> None:
    said.runs.append(launch(page, NAME, "patience"))
