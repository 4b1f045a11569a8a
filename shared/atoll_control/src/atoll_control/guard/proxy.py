"""The proxy: hears requests on one socket, and sends those that pass to the container engine's."""

import asyncio
import logging
import sys
from collections.abc import AsyncGenerator
from pathlib import Path

import aiohttp
from aiohttp import web
from yarl import URL

from atoll_control.errors import UserError
from atoll_control.guard.containers import is_run
from atoll_control.guard.policy import Policy
from atoll_control.guard.rules import Passage, admit

log = logging.getLogger("atoll.guard")

_PASSED_ON = ("Content-Type", "Api-Version", "Docker-Experimental", "Ostype")
_ENGINE = web.AppKey("engine", aiohttp.ClientSession)
# A socket that refuses so often in a row, so many seconds apart, is that of an engine that was replaced.
_REFUSALS, _PAUSE = 5, 2.0


def make_application(engine: Path, policy: Policy) -> web.Application:
    """Return the proxy to an engine's socket for the runs of the policy's environment."""

    async def connect(application: web.Application) -> AsyncGenerator[None]:
        connector = aiohttp.UnixConnector(str(engine), limit=0)
        # Logs and waits last as long as their container.
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=10)
        async with aiohttp.ClientSession("http://engine", connector=connector, timeout=timeout) as session:
            application[_ENGINE] = session
            watch = asyncio.create_task(_watch(engine))
            yield
            watch.cancel()

    async def answer(request: web.Request) -> web.StreamResponse:
        try:
            _refuse_hijacking(request)
            passage = admit(request.method, request.raw_path, await request.read(), policy)
        except UserError as refusal:
            log.warning("%a", f"{refusal.what} {refusal.why}")
            return _message(403, str(refusal))
        session = request.app[_ENGINE]
        try:
            if passage.container and not await _is_visible(session, passage.container, policy.environment):
                return _message(404, f"No such container: {passage.container}")
            answer = await _send(session, passage)
        except (aiohttp.ClientError, OSError) as error:
            log.warning("the engine does not answer: %s", error)
            return _message(502, f"the container engine does not answer: {error}")
        return await _relay(answer, request)

    application = web.Application(client_max_size=4 * 2**20)
    application.cleanup_ctx.append(connect)
    application.router.add_route("*", "/{anything:.*}", answer)
    return application


async def _watch(engine: Path) -> None:
    """End the guard when nobody listens on the engine's socket any more.

    A container keeps the socket that was mounted when it started; started again, it gets the one that is there then.
    """
    refusals = 0
    while refusals < _REFUSALS:
        await asyncio.sleep(_PAUSE)
        try:
            _, writer = await asyncio.open_unix_connection(engine)
        except ConnectionRefusedError:
            refusals += 1
        except OSError:
            # Not there or not allowed: each request says so.
            refusals = 0
        else:
            refusals = 0
            writer.close()
    sys.exit(f"nobody listens on {engine} any more: the guard ends, to be started again with a socket that is heard")


def _refuse_hijacking(request: web.Request) -> None:
    if request.method == "CONNECT" or "Upgrade" in request.headers:
        raise UserError(
            f"the guard refuses to hand over the connection of {request.method} {request.raw_path[:300]}.",
            "what goes through a connection that is handed over is not looked at.",
            "read a run's logs in place of attaching to it.",
        )


async def _is_visible(session: aiohttp.ClientSession, container: str, environment: str) -> bool:
    """Say whether the container is a run of the environment: labels and ids stay as they are for a container's life."""
    async with session.get(f"/containers/{container}/json") as answer:
        if answer.status == 404:
            return False
        answer.raise_for_status()
        return is_run((await answer.json())["Config"]["Labels"], environment)


async def _send(session: aiohttp.ClientSession, passage: Passage) -> aiohttp.ClientResponse:
    return await session.request(
        passage.method,
        URL(passage.path, encoded=True),
        params=passage.query,
        data=passage.body,
        headers={"Content-Type": "application/json"} if passage.body else {},
        allow_redirects=False,
    )


async def _relay(answer: aiohttp.ClientResponse, request: web.Request) -> web.StreamResponse:
    """Hand on what the engine says as it comes."""
    async with answer:
        known = {name: answer.headers[name] for name in _PASSED_ON if name in answer.headers}
        response = web.StreamResponse(status=answer.status, headers=known)
        await response.prepare(request)
        async for chunk in answer.content.iter_any():
            await response.write(chunk)
        await response.write_eof()
    return response


def _message(status: int, text: str) -> web.Response:
    return web.json_response({"message": text}, status=status)
