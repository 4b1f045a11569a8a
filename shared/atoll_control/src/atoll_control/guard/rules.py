"""The rules: which requests to the container engine pass, and as what."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from atoll_control.errors import UserError
from atoll_control.guard.containers import approve_container
from atoll_control.guard.policy import ENVIRONMENT_LABEL, RUN_LABEL, Policy

# Under versions before 1.40 some requests mean more: a start took settings, an empty IpcMode was shareable.
_VERSION = r"(?P<version>/v1\.[4-9][0-9])?"
# Only the whole id: a name or a part of an id can come to mean another container.
_CONTAINER = r"/containers/(?P<container>[0-9a-f]{64})"
_FLAG = "[01]|[Tt]rue|[Ff]alse"
_TIME = r"[0-9]{1,12}(\.[0-9]{1,9})?"


@dataclass(frozen=True)
class Passage:
    """What is sent to the engine in place of a request; `container` is one that has to be a run of the environment."""

    method: str
    path: str
    query: Mapping[str, str]
    body: bytes | None = None
    container: str | None = None


@dataclass(frozen=True)
class _Route:
    method: str
    path: str
    # What each parameter may be; no other may be there.
    query: Mapping[str, str] = field(default_factory=dict)


_LIST = _Route(
    "GET", "/containers/json", {"all": _FLAG, "size": "0", "trunc_cmd": _FLAG, "limit": "-1", "filters": ".*"}
)
_CREATE = _Route("POST", "/containers/create")

_ROUTES = (
    _Route("GET", "/_ping"),
    _Route("HEAD", "/_ping"),
    _Route("GET", "/version"),
    _LIST,
    _CREATE,
    _Route("GET", f"{_CONTAINER}/json"),
    _Route("POST", f"{_CONTAINER}/start"),
    _Route("POST", f"{_CONTAINER}/stop", {"t": "[0-9]{1,6}"}),
    _Route("POST", f"{_CONTAINER}/kill", {"signal": "[A-Z0-9+-]{1,16}"}),
    _Route("POST", f"{_CONTAINER}/wait", {"condition": "not-running|next-exit|removed"}),
    _Route("DELETE", _CONTAINER, {"force": _FLAG, "v": _FLAG, "link": "0|[Ff]alse"}),
    _Route(
        "GET",
        f"{_CONTAINER}/logs",
        {name: _FLAG for name in ("stdout", "stderr", "follow", "timestamps")}
        | {"tail": "all|[0-9]{1,9}", "since": _TIME, "until": _TIME},
    ),
)


def admit(method: str, target: str, body: bytes, policy: Policy) -> Passage:
    """Return what is sent to the engine for a request; `target` is its path and query as they came.

    Nothing of the request goes on that was not looked at: of the bodies only that of a new container, made anew.

    Raises:
        UserError: the request does not pass.
    """
    path, _, query = target.partition("?")
    for route in _ROUTES:
        match = re.fullmatch(_VERSION + route.path, path)
        if match and method == route.method:
            break
    else:
        raise _refusal(method, path, query)
    asked = _parameters(route, path, query)
    if route is _LIST:
        asked["filters"] = _own(asked.get("filters"), policy.environment)
    made = approve_container(body, policy) if route is _CREATE else None
    return Passage(method, path, asked, made, match.groupdict().get("container"))


def _parameters(route: _Route, path: str, query: str) -> dict[str, str]:
    asked = parse_qsl(query, keep_blank_values=True)
    for name, value in asked:
        if name not in route.query or not re.fullmatch(route.query[name], value):
            raise UserError(
                f"the guard refuses {route.method} {path} with {name}={value[:300]}.",
                f"it lets pass: {', '.join(sorted(route.query)) or 'no parameter'}, with the usual values.",
                "leave it out.",
            )
    if len(asked) > len(dict(asked)):
        raise UserError(
            f"the guard refuses {route.method} {path}.", "a parameter is there twice.", "give each of them once."
        )
    return dict(asked)


def _own(filters: str | None, environment: str) -> str:
    """Return filters that find, of what the given ones would, only runs of the environment."""
    try:
        asked: Any = json.loads(filters or "{}")
        labels, states = asked.pop("label", []), asked.pop("status", [])
        understood = not asked and all(
            isinstance(found, list) and all(isinstance(item, str) for item in found) for found in (labels, states)
        )
    except (ValueError, RecursionError, AttributeError, TypeError):
        understood = False
    if not understood:
        raise UserError(
            f"the guard refuses a list of containers filtered by {filters}.",
            "it knows filters by label and by status, each a list of texts.",
            "use those.",
        )
    own = {"label": [*labels, f"{ENVIRONMENT_LABEL}={environment}", RUN_LABEL]}
    return json.dumps(own | ({"status": states} if states else {}))


def _refusal(method: str, path: str, query: str) -> UserError:
    if path.endswith("/images/create"):
        image = dict(parse_qsl(query)).get("fromImage", "an image")
        return UserError(
            f"{image} is not on this server, and the guard refuses to pull it.",
            "images come with a person's rights, not with the platform's.",
            "`./atoll up ENV` pulls the images of the environment's release.",
        )
    return UserError(
        f"the guard refuses {method} {path[:300]}.",
        "it lets pass what launching, watching and ending the runs of its environment takes.",
        "for anything else use the engine's own socket, with a person's rights.",
    )
