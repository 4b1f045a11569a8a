"""The store as a web server shows it, behind a login."""

import json
from base64 import b64encode
from collections.abc import Iterator
from http import HTTPStatus
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

import atoll
from atoll import UserError, settings
from atoll.storage.journal import Journal
from atoll.storage.store import Slot, Store
from atoll.storage.values import write
from atoll.storage.verification import find_faults

SLOT = Slot("sample", ("toy", "prices"))
LOGIN = "Basic " + b64encode(b"ada:p@ss/w:rd").decode()
URL_LOGIN = "ada:p%40ss%2Fw%3Ard"
NAMES = ["..", "a|b", "2013-03-01 10:00:00", "ä?#%*", "a/b", "[x]"]


class CaddyStandIn(SimpleHTTPRequestHandler):
    """Answers as Caddy's `basicauth` and `file_server browse` do, as far as a store is read; the rest is a page."""

    def do_GET(self) -> None:
        if self.headers["Authorization"] != LOGIN:
            self.send_error(HTTPStatus.UNAUTHORIZED)
        elif self.path.startswith("/store/"):
            self.path = self.path.removeprefix("/store")
            super().do_GET()
        else:
            self._answer(b"<html>the page</html>", "text/html")

    def list_directory(self, path) -> None:
        """Names of folders end with a slash, as there."""
        assert self.headers["Accept"] == "application/json"
        found = [{"name": f"{e.name}/" if e.is_dir() else e.name, "is_dir": e.is_dir()} for e in Path(path).iterdir()]
        # There, a folder with nothing in it is null.
        self._answer(json.dumps(found or None).encode(), "application/json")

    def _answer(self, content: bytes, kind: str) -> None:
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *_: object) -> None: ...


@pytest.fixture
def host(tmp_path) -> Iterator[str]:
    """Host and port of a server that shows the folder of the test's store."""
    (tmp_path / "store").mkdir()

    def handle(*arguments) -> CaddyStandIn:
        return CaddyStandIn(*arguments, directory=str(tmp_path / "store"))

    with ThreadingHTTPServer(("127.0.0.1", 0), handle) as server:
        Thread(target=server.serve_forever).start()
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture
def local(host, store_folder) -> Store:
    """The same store as a folder, with what the tests look for."""
    store = Store(str(store_folder))
    for number in range(3):
        write(store, SLOT, {"number": number}, {})
    for name in NAMES:
        write(store, Slot("full", ("toy", "a", "b.c"), name), {"name": name}, {"code_version": "feature/x"})
    return store


@pytest.fixture
def website(host, local) -> Store:
    return Store(f"http://{URL_LOGIN}@{host}/store/")


def test_what_is_in_the_folder_is_found(website, local):
    found = list(website.list_current())
    assert len(found) == len(NAMES) + 1
    assert found == list(local.list_current())
    assert [website.list_versions(one.slot) for one in found] == [local.list_versions(one.slot) for one in found]
    assert len(website.list_versions(SLOT)) == 3
    assert list(website.list_files()) == sorted(local.list_files())
    assert list(find_faults(website)) == []


def test_a_value_is_loaded_by_its_key(local, host, monkeypatch):
    monkeypatch.setenv("ATOLL_STORE", f"http://{URL_LOGIN}@{host}/store")
    settings.cache_clear()
    assert atoll.load("toy/prices") == {"number": 2}
    assert [atoll.load("toy/a/b.c", name, profile="full") for name in NAMES] == [{"name": name} for name in NAMES]


def test_what_was_replaced_or_added_meanwhile_is_seen(website, local):
    before = website.get(SLOT)
    after, _ = write(local, SLOT, {"number": 4}, {})
    assert before != after == website.get(SLOT) == next(website.list_current("toy/prices"))
    write(local, Slot("sample", ("toys", "new")), {}, {})
    assert [one.slot.key for one in website.list_current(profile="sample")] == ["toy/prices", "toys/new"]


def test_what_is_not_there_is_not_there(website, local):
    assert website.get(Slot("sample", ("no", "such"))) is None
    assert list(website.list_current("no/such")) == []
    artefact = local.get(SLOT)
    Path(local.locate(artefact.path)).unlink()
    assert [fault.what for fault in find_faults(website)] == ["It is gone; its manifest is there."]


def test_the_journal_is_read(website, local, host):
    Journal(local.url).add("decisions/a/1.json", b"1")
    journal = Journal(f"http://{URL_LOGIN}@{host}/store")
    assert list(journal.list_paths("decisions")) == ["decisions/a/1.json"]
    assert list(journal.read_all("decisions")) == [b"1"]
    assert list(journal.read_all("nothing")) == []


def test_nothing_is_written(website, local, host):
    before = sorted(local.list_files())
    journal = Journal(f"http://{URL_LOGIN}@{host}/store")
    for use in (website.probe, lambda: write(website, SLOT, 1, {}), lambda: journal.add("a.json", b"")):
        with pytest.raises(UserError) as caught:
            use()
        assert caught.value.what == f"The store http://{host}/store is read-only."
        assert caught.value.how.endswith("./atoll run LOCATION --env ENV")
    assert sorted(local.list_files()) == before


def test_a_place_is_an_address_that_a_browser_takes_without_the_login(website, host):
    assert website.locate("full/a b/ä%2F") == f"http://{host}/store/full/a%20b/%C3%A4%252F"
    assert website.url == f"http://{host}/store/"


def test_the_login_may_be_in_netrc(local, host, tmp_path, monkeypatch):
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login ada password p@ss/w:rd\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    store = Store(f"http://{host}/store")
    assert list(store.list_current()) == list(local.list_current())
    # The one in the URL is taken before it.
    with pytest.raises(UserError, match="401"):
        Store(f"http://ada:wrong@{host}/store").get(SLOT)


@pytest.mark.parametrize("login", ["", "ada:secret@", "ada@"])
def test_without_the_right_login_the_cure_is_told_and_no_password(host, login, monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    store = Store(f"http://{login}{host}/store")
    for use in (lambda: store.get(SLOT), lambda: list(store.list_current()), lambda: list(find_faults(store))):
        with pytest.raises(UserError) as caught:
            use()
        assert caught.value.what == f"The store http://{host}/store cannot be read."
        assert "401" in caught.value.why
        assert "that ~/.netrc has the login (machine 127.0.0.1 login USER password PASSWORD)" in caught.value.how
        assert "secret" not in str(caught.value)


def test_an_address_where_something_else_answers_is_explained(website, host):
    with pytest.raises(UserError) as caught:
        list(Store(f"http://{URL_LOGIN}@{host}/stor").list_current())
    assert caught.value.why == "ValueError: what answers there lists no folder as JSON."
    assert caught.value.how.startswith("See that the URL is that of a store")


def test_a_server_that_does_not_answer_is_explained(monkeypatch):
    with pytest.raises(UserError) as caught:
        Store("http://ada:secret@127.0.0.1:1/store").get(SLOT)
    assert caught.value.what == "The store http://127.0.0.1:1/store cannot be read."
    assert "127.0.0.1:1" in caught.value.why
    assert "secret" not in str(caught.value)
