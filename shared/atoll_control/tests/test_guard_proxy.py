import asyncio
import contextlib
import json
import logging
import socket
from collections.abc import AsyncGenerator, Awaitable, Callable
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from guarded import LABELS, run_body, write_policy

from atoll_control.guard import proxy
from atoll_control.guard.proxy import make_application

OWN, FOREIGN, GONE, BROKEN = "a" * 64, "b" * 64, "c" * 64, "d" * 64


class FakeEngine:
    """In place of the engine: knows one run and one service, and keeps what it is asked for."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, bytes]] = []
        self.release = asyncio.Event()
        self.hung_up = asyncio.Event()

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.asked.append((request.method, request.raw_path, await request.read()))
        if BROKEN in request.path:
            return web.json_response({"message": "the engine is ending"}, status=500)
        if request.path.endswith("/json") and GONE not in request.path:
            labels = LABELS if OWN in request.path else {"com.docker.compose.service": "postgres"}
            return web.json_response({"Id": "x", "Config": {"Labels": labels, "Env": ["PASSWORD=secret"]}})
        if request.path.endswith("/logs"):
            return await self._stream(request)
        if request.path.endswith("/start"):
            return web.Response(status=204)
        if request.path.endswith("/create"):
            return web.json_response({"Id": OWN}, status=201)
        return web.json_response({"message": "No such container"}, status=404)

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "application/vnd.docker.raw-stream"})
        await response.prepare(request)
        await response.write(b"first")
        try:
            await self.release.wait()
        except asyncio.CancelledError:
            self.hung_up.set()
            raise
        await response.write(b"second")
        return response


@contextlib.asynccontextmanager
async def serving(application: web.Application, socket: Path) -> AsyncGenerator[None]:
    runner = web.AppRunner(application, handler_cancellation=True, shutdown_timeout=1)
    await runner.setup()
    await web.UnixSite(runner, str(socket)).start()
    try:
        yield
    finally:
        await runner.cleanup()


def guarded(folder: Path, scenario: Callable[[aiohttp.ClientSession, FakeEngine], Awaitable[None]]) -> None:
    """Run a scenario with a client of the guard, and the fake engine behind it."""

    async def run() -> None:
        engine = FakeEngine()
        fake = web.Application()
        fake.router.add_route("*", "/{anything:.*}", engine.answer)
        guard = make_application(folder / "engine.sock", write_policy(folder))
        connector = aiohttp.UnixConnector(str(folder / "guard.sock"))
        async with (
            serving(fake, folder / "engine.sock"),
            serving(guard, folder / "guard.sock"),
            aiohttp.ClientSession("http://guard", connector=connector) as client,
        ):
            await asyncio.wait_for(scenario(client, engine), 20)

    asyncio.run(run())


def test_another_container_is_answered_like_one_that_is_not_there(tmp_path):
    async def scenario(client: aiohttp.ClientSession, engine: FakeEngine) -> None:
        for method, call in (("GET", "/json"), ("GET", "/logs"), ("POST", "/start"), ("POST", "/stop"), ("DELETE", "")):
            for container in (FOREIGN, GONE):
                async with client.request(method, f"/v1.41/containers/{container}{call}") as answer:
                    assert answer.status == 404
                    assert await answer.json() == {"message": f"No such container: {container}"}
        assert {(method, path) for method, path, _ in engine.asked} == {
            ("GET", f"/containers/{container}/json") for container in (FOREIGN, GONE)
        }

    guarded(tmp_path, scenario)


def test_an_engine_in_trouble_has_not_lost_a_container(tmp_path):
    async def scenario(client: aiohttp.ClientSession, engine: FakeEngine) -> None:
        async with client.get(f"/v1.41/containers/{BROKEN}/json") as answer:
            assert answer.status == 502

    guarded(tmp_path, scenario)


def test_a_run_of_the_environment_is_answered_by_the_engine(tmp_path):
    async def scenario(client: aiohttp.ClientSession, engine: FakeEngine) -> None:
        async with client.get(f"/v1.41/containers/{OWN}/json") as answer:
            assert (await answer.json())["Config"]["Env"] == ["PASSWORD=secret"]
        async with client.post(f"/v1.41/containers/{OWN}/start", data=b'{"Privileged": true}') as answer:
            assert (answer.status, await answer.read()) == (204, b"")
        assert engine.asked[-1] == ("POST", f"/v1.41/containers/{OWN}/start", b"")

    guarded(tmp_path, scenario)


def test_a_refusal_has_dockers_form_and_never_reaches_the_engine(tmp_path, caplog):
    async def scenario(client: aiohttp.ClientSession, engine: FakeEngine) -> None:
        async with client.post("/v1.41/containers/create", json=run_body(volumes=["/:/host"])) as answer:
            assert answer.status == 403
            message = (await answer.json())["message"]
        assert message.startswith('what: the guard refuses a container with HostConfig.Binds = ["/:/host"]')
        assert engine.asked == []

    with caplog.at_level(logging.WARNING, "atoll.guard"):
        guarded(tmp_path, scenario)
    assert "/:/host" in caplog.text


def test_the_engine_gets_the_container_that_was_looked_at(tmp_path):
    async def scenario(client: aiohttp.ClientSession, engine: FakeEngine) -> None:
        body = json.dumps(run_body() | {"capdrop": None})
        headers = {"X-Registry-Auth": "e30=", "Content-Type": "text/plain"}
        async with client.post("/v1.41/containers/create", data=body, headers=headers) as answer:
            assert (answer.status, await answer.json()) == (201, {"Id": OWN})
        assert "capdrop" not in json.loads(engine.asked[-1][2])

    guarded(tmp_path, scenario)


def test_what_a_log_says_arrives_as_it_is_said(tmp_path):
    async def scenario(client: aiohttp.ClientSession, engine: FakeEngine) -> None:
        async with client.get(f"/v1.41/containers/{OWN}/logs?follow=1&stdout=1") as answer:
            assert await answer.content.readany() == b"first"
            engine.release.set()
            assert await answer.content.read() == b"second"
            assert answer.content_type == "application/vnd.docker.raw-stream"

    guarded(tmp_path, scenario)


def test_a_client_that_hangs_up_leaves_no_stream_open(tmp_path):
    async def scenario(client: aiohttp.ClientSession, engine: FakeEngine) -> None:
        answer = await client.get(f"/v1.41/containers/{OWN}/logs?follow=1&stdout=1")
        assert await answer.content.readany() == b"first"
        answer.close()
        await engine.hung_up.wait()

    guarded(tmp_path, scenario)


@pytest.mark.parametrize(
    ("request_line", "headers"),
    [
        (f"POST /v1.41/containers/{OWN}/start HTTP/1.1", "Connection: Upgrade\r\nUpgrade: tcp\r\n"),
        (f"POST /v1.41/containers/{OWN}/attach?stream=1 HTTP/1.1", "Connection: Upgrade\r\nUpgrade: tcp\r\n"),
        ("GET /v1.41/containers/../info HTTP/1.1", ""),
        ("GET /v1.41/%63ontainers/json HTTP/1.1", ""),
        ("GET http://engine/v1.41/info HTTP/1.1", ""),
        ("POST /v1.41/containers/create HTTP/1.1", "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n"),
    ],
)
def test_tricks_of_the_protocol_reach_nothing(request_line, headers, tmp_path):
    async def scenario(_: aiohttp.ClientSession, engine: FakeEngine) -> None:
        reader, writer = await asyncio.open_unix_connection(tmp_path / "guard.sock")
        smuggled = "\r\n\r\nGET /v1.41/info HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        writer.write(f"{request_line}\r\nHost: x\r\n{headers}".removesuffix("\r\n").encode() + smuggled.encode())
        status = int((await reader.readline()).split()[1])
        assert status in (400, 403)
        writer.close()
        assert engine.asked == []

    guarded(tmp_path, scenario)


def test_an_engine_that_does_not_answer_is_no_container_that_is_gone(tmp_path):
    async def scenario() -> None:
        guard = make_application(tmp_path / "nothing.sock", write_policy(tmp_path))
        connector = aiohttp.UnixConnector(str(tmp_path / "guard.sock"))
        async with (
            serving(guard, tmp_path / "guard.sock"),
            aiohttp.ClientSession("http://guard", connector=connector) as client,
            client.get(f"/v1.41/containers/{OWN}/json") as answer,
        ):
            assert answer.status == 502
            assert "does not answer" in (await answer.json())["message"]

    asyncio.run(scenario())


def run_watched(folder: Path, monkeypatch: pytest.MonkeyPatch, heard: bool) -> None:
    """Let a guard run for 30 pauses on an engine's socket: one that is heard again after each 3, or on none."""
    monkeypatch.setattr(proxy, "_PAUSE", 0.02)

    async def scenario(application: web.Application) -> AsyncGenerator[None]:
        async def live() -> None:
            for _ in range(10):
                await asyncio.sleep(0.06)
                with contextlib.suppress(FileNotFoundError):
                    (folder / "engine.sock").unlink()
                left = socket.socket(socket.AF_UNIX)
                left.bind(str(folder / "engine.sock"))
                if heard:
                    left.listen()
                    await asyncio.sleep(0.04)
                left.close()
            raise web.GracefulExit

        living = asyncio.create_task(live())
        yield
        living.cancel()

    guard = make_application(folder / "engine.sock", write_policy(folder))
    guard.cleanup_ctx.append(scenario)
    web.run_app(guard, path=str(folder / "guard.sock"), print=None, handle_signals=False)


def test_a_guard_whose_engine_has_another_socket_ends_so_that_docker_starts_it_with_that_one(tmp_path, monkeypatch):
    with pytest.raises(SystemExit) as ended:
        run_watched(tmp_path, monkeypatch, heard=False)
    assert f"nobody listens on {tmp_path}/engine.sock any more" in str(ended.value.code)


def test_a_guard_whose_engine_is_away_for_a_moment_stays(tmp_path, monkeypatch):
    run_watched(tmp_path, monkeypatch, heard=True)
