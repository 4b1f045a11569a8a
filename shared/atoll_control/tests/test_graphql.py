import json
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest

from atoll_control import graphql
from atoll_control.errors import UserError
from atoll_control.graphql import UNREACHABLE, Location, Page

LOGIN = "Basic YXRvbGw6cEBzcy93OnJk"


class StandIn:
    """Stands in for a webserver: answers with what it is given, one after the other, and keeps what it was asked."""

    def __init__(self) -> None:
        self.answers: list[tuple[int, str, str]] = []
        self.asked: list[dict[str, Any]] = []
        self.logins: list[str | None] = []

    def answer(self, data: Any, **more: Any) -> None:
        self.answers.append((200, "application/json", json.dumps({"data": data, **more})))

    def handle(self, *arguments: Any) -> BaseHTTPRequestHandler:
        stand_in = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                stand_in.asked.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                stand_in.logins.append(self.headers["Authorization"])
                code, kind, text = stand_in.answers.pop(0)
                self.send_response(code)
                self.send_header("Content-Type", kind)
                self.end_headers()
                self.wfile.write(text.encode())

            def log_message(self, format: str, *_: object) -> None: ...

        return Handler(*arguments)


@pytest.fixture
def webserver() -> StandIn:
    return StandIn()


@pytest.fixture
def address(webserver: StandIn) -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), webserver.handle) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture
def page(address: str) -> Page:
    return Page(address)


def test_every_query_fits_the_schema_of_the_installed_dagster():
    from dagster_graphql.schema import create_schema
    from graphql import parse, validate

    queries = {name: text for name, text in vars(graphql).items() if isinstance(text, str) and "{" in text}
    assert len(queries) >= 9
    schema = create_schema().graphql_schema
    assert {name: found for name, text in queries.items() if (found := validate(schema, parse(text)))} == {}


def test_a_page_behind_a_login_is_asked_with_it_and_that_of_a_laptop_without(webserver, address):
    for _ in range(2):
        webserver.answer({})
    Page(address, ("atoll", "p@ss/w:rd")).ask("{ x }", a=1)
    Page.local(int(address.rpartition(":")[2])).ask("{ x }")
    assert webserver.logins == [LOGIN, None]
    assert webserver.asked[0] == {"query": "{ x }", "variables": {"a": 1}}


@pytest.mark.parametrize(("code", "kind"), [(401, "text/plain"), (502, "text/html")])
def test_what_is_before_a_webserver_and_says_no_counts_as_no_answer(webserver, page, code, kind):
    webserver.answers.append((code, kind, "no"))
    with pytest.raises(OSError, match=str(code)):
        page.locations()


def test_a_query_that_the_webserver_refuses_is_a_bug(webserver, page):
    webserver.answers.append((400, "application/json", json.dumps({"errors": ["unknown field"]})))
    with pytest.raises(RuntimeError, match="unknown field"):
        page.locations()


def test_locations_have_their_image_and_the_cause_of_their_error(webserver, page):
    broken = {"__typename": "PythonError", "message": "wrapped", "causes": [{"message": "by zero"}]}
    gone = broken | {"message": f"{UNREACHABLE}: no", "causes": [{"message": "<_InactiveRpcError of RPC>"}]}
    facts = [{"key": "socket", "value": "/x"}, {"key": "image", "value": "127.0.0.1:5005/atoll/a@sha256:1"}]
    entries = [
        ("a", "LOADED", {"__typename": "RepositoryLocation"}, facts, "1"),
        ("b", "LOADED", broken, [], "2"),
        ("c", "LOADING", None, [], "3"),
        ("d", "LOADED", gone, [], "4"),
    ]
    names = ("name", "loadStatus", "locationOrLoadError", "displayMetadata", "versionKey")
    found = [dict(zip(names, entry, strict=True)) for entry in entries]
    webserver.answer({"workspaceOrError": {"locationEntries": found}})
    assert page.locations() == [
        Location("a", True, None, "127.0.0.1:5005/atoll/a@sha256:1", "1"),
        Location("b", False, "by zero", None, "2"),
        Location("c", False, None, None, "3"),
        Location("d", False, f"{UNREACHABLE}: no", None, "4"),
    ]


def test_a_run_is_launched_with_its_assets_and_tags(webserver, page):
    webserver.answer({"launchRun": {"__typename": "LaunchRunSuccess", "run": {"runId": "1"}}})
    assert page.launch("toy", [("toy", "a"), ("toy", "b")], {"dagster/partition": "2013-03-03"}) == "1"
    params = webserver.asked[0]["variables"]["params"]
    assert params["selector"]["assetSelection"] == [{"path": ["toy", "a"]}, {"path": ["toy", "b"]}]
    assert params["selector"]["repositoryLocationName"] == "toy"
    assert params["executionMetadata"] == {"tags": [{"key": "dagster/partition", "value": "2013-03-03"}]}


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ({"__typename": "PipelineNotFoundError", "message": "Could not find it\nin x"}, "Could not find it"),
        ({"__typename": "RunConfigValidationInvalid"}, "RunConfigValidationInvalid"),
    ],
)
def test_a_run_that_dagster_does_not_take_is_explained(webserver, page, answer, why):
    webserver.answer({"launchRun": answer})
    with pytest.raises(UserError) as caught:
        page.launch("toy", [("toy", "a")], {})
    assert (caught.value.what, caught.value.why) == ("no run of toy was started.", f"Dagster says: {why}")
    assert caught.value.how == f"see {page.address}/locations"


def test_made_partitions_are_those_with_an_event(webserver, page):
    events = [None, {"partition": "2013-03-10"}]
    nodes = [{"assetKey": {"path": ["toy", "a"]}, "latestMaterializationByPartition": events}]
    webserver.answer({"assetNodes": nodes})
    assert page.made([("toy", "a")], ["2013-03-03", "2013-03-10"]) == {("toy", "a"): {"2013-03-10"}}
    assert webserver.asked[0]["variables"] == {
        "keys": [{"path": ["toy", "a"]}],
        "partitions": ["2013-03-03", "2013-03-10"],
    }


def test_the_last_run_with_some_tags_has_a_status_or_there_is_none(webserver, page):
    for found in ([{"status": "FAILURE"}], []):
        webserver.answer({"runsOrError": {"results": found}})
    assert page.last_status({"a": "b"}) == "FAILURE"
    assert page.last_status({"a": "b"}) is None
    assert webserver.asked[0]["variables"] == {"tags": [{"key": "a", "value": "b"}]}


def failing(times: int) -> Callable[[], str]:
    left = [OSError("refused")] * times

    def question() -> str:
        if left:
            raise left.pop()
        return "answer"

    return question


def test_a_webserver_that_comes_back_is_waited_for(monkeypatch):
    monkeypatch.setattr(graphql.time, "sleep", lambda _: None)
    assert Page("http://127.0.0.1:1").patiently(failing(3)) == "answer"
    monkeypatch.setattr(graphql, "PATIENCE", -1.0)
    with pytest.raises(UserError) as caught:
        Page("http://127.0.0.1:1").patiently(failing(1))
    assert caught.value.what == "the page no longer answers."
    assert caught.value.why.endswith("s: refused.")
