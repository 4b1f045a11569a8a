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

# Answered by the code server, each time.
_PLAN = """query($pipeline: PipelineSelector!) { executionPlanOrError(pipeline: $pipeline, mode: "default") {
  __typename ... on PythonError { message } } }"""


@dataclass
class Said:
    """How often clients asked, what failed, and the runs that they launched."""

    asked: int = 0
    failed: list[str] = field(default_factory=list)
    runs: list[str] = field(default_factory=list)
    editions: list[str] = field(default_factory=list)


@contextmanager
def asking(page: Page) -> Generator[Said]:
    """Ask the page ten times a second and a code server ten times, and launch a run every ten, meanwhile."""
    said, enough = Said(), threading.Event()
    clients = [
        threading.Thread(target=_repeat, args=(ask, page, pause, said, enough))
        for ask, pause in ((_ask_page, 0.1), (_ask_code_server, 0.1), (_launch, 10.0))
    ]
    for client in clients:
        client.start()
    try:
        yield said
    finally:
        enough.set()
        for client in clients:
            client.join()


def _repeat(ask: Callable[[Page, Said], None], page: Page, pause: float, said: Said, enough: threading.Event) -> None:
    while not enough.is_set():
        began = time.monotonic()
        try:
            ask(page, said)
        except (OSError, RuntimeError, AssertionError) as error:
            said.failed.append(repr(error))
        said.asked += 1
        enough.wait(max(0.0, pause - (time.monotonic() - began)))


def _ask_page(page: Page, said: Said) -> None:
    answer = page.ask(_PAGE)["repositoriesOrError"]
    assert NAME in [node["location"]["name"] for node in answer["nodes"]], answer


def _ask_code_server(page: Page, said: Said) -> None:
    job = {"repositoryLocationName": NAME, "repositoryName": "__repository__", "pipelineName": "everything"}
    answer = page.ask(_PLAN, pipeline=job)["executionPlanOrError"]
    assert answer["__typename"] == "ExecutionPlan", answer


def _launch(page: Page, said: Said) -> None:
    said.runs.append(launch(page, NAME, "edition"))
