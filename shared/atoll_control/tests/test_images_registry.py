import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from atoll_control.errors import UserError
from atoll_control.images import registry
from atoll_control.images.registry import answers, holds, start_registry
from atoll_control.images.settings import BuildSettings
from atoll_control.process import Output

DIGEST = "sha256:" + "7".zfill(64)


@pytest.fixture
def listening():
    """A registry that has one image, and the settings that name it."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200 if self.path in ("/v2/", f"/v2/atoll/alpha/manifests/{DIGEST}") else 404)
            self.end_headers()

        do_HEAD = do_GET

        def log_message(self, *arguments):
            pass

    server = HTTPServer(("127.0.0.1", 0), Answer)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield BuildSettings(f"127.0.0.1:{server.server_port}", "registry:2", "base")
    server.shutdown()
    server.server_close()


def test_the_registry_is_asked_what_it_has(listening):
    assert answers(listening)
    assert holds(listening, "alpha", DIGEST)
    assert not holds(listening, "beta", DIGEST)
    silent = BuildSettings("127.0.0.1:1", "registry:2", "base")
    assert not answers(silent)
    assert holds(silent, "beta", DIGEST)


@pytest.fixture
def started(monkeypatch):
    """What Compose is asked for instead of starting a registry, which answers from then on."""
    asked = []
    monkeypatch.setattr(registry, "require_engine", lambda: None)
    monkeypatch.setattr(registry, "require_network", lambda name: asked.append(name))
    monkeypatch.setattr(registry, "_ask", lambda settings, path: 200 if len(asked) > 1 else None)

    def compose(*arguments, env):
        asked.append((*arguments[2:], env["ATOLL_REGISTRY_IMAGE"], env["ATOLL_REGISTRY_PORT"]))
        return Output(0, "", "")

    monkeypatch.setattr(registry, "compose", compose)
    return asked


def test_a_registry_of_this_machine_is_started_when_it_does_not_answer(checkout, started):
    settings = BuildSettings("127.0.0.1:5005", "registry:2", "base")
    start_registry(checkout, settings)
    assert started == ["atoll-registry", ("up", "--detach", "registry:2", "5005")]
    start_registry(checkout, settings)
    assert started[2:] == []


def test_another_registry_is_not_started(checkout, started):
    start_registry(checkout, BuildSettings("registry.example", "registry:2", "base"))
    assert started == []


def test_a_registry_that_cannot_be_started_is_explained(checkout, started, monkeypatch):
    settings = BuildSettings("127.0.0.1:5005", "registry:2", "base")
    monkeypatch.setattr(registry, "_ask", lambda settings, path: None)
    monkeypatch.setattr(registry, "compose", lambda *arguments, env: Output(1, "", "port is already allocated.\n"))
    with pytest.raises(UserError) as caught:
        start_registry(checkout, settings)
    assert caught.value.what == "the registry cannot be started."
    assert caught.value.why == "port is already allocated."
    monkeypatch.setattr(registry, "compose", lambda *arguments, env: Output(0, "", ""))
    monkeypatch.setattr(registry, "PATIENCE", 0.1)
    with pytest.raises(UserError) as caught:
        start_registry(checkout, settings)
    assert caught.value.what == "the registry was started and does not answer."
    assert "docker logs atoll-registry-registry-1" in caught.value.how
