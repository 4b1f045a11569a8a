"""Deployment: how long a client waits while a project is replaced, how long that takes, and that nothing takes none."""

import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field

from atoll_control.graphql import Page
from checkout import OWN, Checkout
from figures import Figure
from rebuild import change_code
from server_session import NAME, ServerSession

LOCATION = "product_recommendations"
NOTHING_TO_DO = 2.0
PAUSE = 0.1
# Requests, of which none may fail.
LEAST = 1000

# The page's own, and what it asks of a code server.
WHERE = f'repositoryLocationName: "{LOCATION}", repositoryName: "__repository__"'
QUESTIONS = (
    "{ repositoriesOrError { __typename } }",
    f"{{ sensorsOrError(repositorySelector: {{{WHERE}}}) {{ __typename }} }}",
    f'{{ executionPlanOrError(mode: "default", pipeline: {{{WHERE}, pipelineName: "__ASSET_JOB"}}) {{ __typename }} }}',
)
ANSWERS = {"RepositoryConnection", "Sensors", "ExecutionPlan"}


@dataclass
class Asked:
    """What clients were told: seconds that each answer took, seconds between answers, and answers that were none."""

    seconds: list[float] = field(default_factory=list)
    gaps: list[float] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)


def measure(checkout: Checkout, rounds: int) -> Figure:
    """Change one of this checkout's projects, release and deploy it while clients ask; then deploy once more."""
    checkout.use(own=OWN)
    changing, nothing, longest, gaps, counts = [], [], [], [], []
    with ServerSession(checkout) as server:
        server.start()
        for _ in range(rounds):
            change_code(checkout, LOCATION)
            checkout.run(["./atoll", "build", LOCATION])
            checkout.run(["./atoll", "release", LOCATION, NAME])
            with asking(server.page()) as asked:
                changing.append(deploy(checkout))
                while len(asked.seconds) < LEAST:
                    time.sleep(PAUSE)
            if asked.failed:
                raise RuntimeError(f"{len(asked.failed)} of {len(asked.seconds)} answers failed: {asked.failed[0]}")
            counts.append(float(len(asked.seconds)))
            longest.append(max(asked.seconds))
            gaps.append(max(asked.gaps))
            nothing.append(deploy(checkout))
    figure = Figure("deployment", f"A deployment that changes one of {len(OWN)} projects")
    figure.add("./atoll deploy, with 65 s in which both run", "s", changing)
    figure.add("  answers to clients meanwhile, of which 0 failed", "", counts)
    figure.add("  the longest that one took", "s", longest)
    figure.add("  the longest between two", "s", gaps)
    figure.add("./atoll deploy where nothing has changed", "s", nothing, NOTHING_TO_DO)
    return figure


def deploy(checkout: Checkout) -> float:
    """Deploy, and say how long that took."""
    begin = time.perf_counter()
    checkout.run(["./atoll", "deploy", NAME])
    return time.perf_counter() - begin


@contextmanager
def asking(page: Page) -> Generator[Asked]:
    """Ask each question ten times a second until the block ends."""
    asked, enough = Asked(), threading.Event()
    clients = [threading.Thread(target=_ask, args=(page, question, asked, enough)) for question in QUESTIONS]
    for client in clients:
        client.start()
    try:
        yield asked
    finally:
        enough.set()
        for client in clients:
            client.join()


def _ask(page: Page, question: str, asked: Asked, enough: threading.Event) -> None:
    last = time.perf_counter()
    while not enough.is_set():
        begin = time.perf_counter()
        try:
            (answer,) = page.ask(question).values()
            if answer["__typename"] not in ANSWERS:
                asked.failed.append(answer["__typename"])
        except (OSError, RuntimeError) as error:
            asked.failed.append(repr(error))
        now = time.perf_counter()
        asked.seconds.append(now - begin)
        asked.gaps.append(now - last)
        last = now
        enough.wait(max(0.0, PAUSE - (now - begin)))
