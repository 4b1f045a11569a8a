"""What a new container may be made of: each key that it may have, and what that key may hold.

Its command and its environment are free: a run executes a project's code anyway, and so does the project's code server
for whoever reaches its socket. What counts is what that code is shut in.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from atoll_control.errors import UserError
from atoll_control.guard.policy import ENVIRONMENT_LABEL, RUN_LABEL, Policy

_USER = re.compile(r"[1-9][0-9]{0,9}:[1-9][0-9]{0,9}")
# Not those of Docker Compose: a container with them would pass for a service.
_LABEL = re.compile(r"(atoll\.|dagster/)[A-Za-z0-9._/-]+")
_LOG_LIMIT = re.compile(r"[0-9]{1,9}[kmg]?")
_TMPFS = re.compile(r"((size=[0-9]{1,12}[kmg]?|mode=[0-7]{3,4}|noexec|nosuid|nodev|exec)(,|$))*")


@dataclass(frozen=True)
class _Key:
    holds: Callable[[Any, Policy], bool]
    why: str
    required: bool = False


def _is_amount(value: Any, _: Policy) -> bool:
    return type(value) is int and value > 0


def _is_on(value: Any, _: Policy) -> bool:
    return value is True


def _is_texts(value: Any, _: Policy) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def _is_own(labels: Any, policy: Policy) -> bool:
    return is_run(labels, policy.environment) and all(
        _LABEL.fullmatch(name) and isinstance(value, str) for name, value in labels.items()
    )


def _is_limited_log(value: Any, _: Policy) -> bool:
    if not isinstance(value, dict) or not value.keys() <= {"Type", "Config"}:
        return False
    options = value.get("Config") or {}
    return (
        value.get("Type") in ("json-file", "local")
        and isinstance(options, dict)
        and options.keys() <= {"max-size", "max-file"}
        and all(isinstance(limit, str) and _LOG_LIMIT.fullmatch(limit) for limit in options.values())
    )


def _is_scratch(value: Any, _: Policy) -> bool:
    return (
        isinstance(value, dict)
        and value.keys() == {"/tmp"}  # noqa: S108
        and isinstance(value["/tmp"], str)  # noqa: S108
        and _TMPFS.fullmatch(value["/tmp"]) is not None  # noqa: S108
    )


_CONTAINER = {
    "Image": _Key(
        lambda value, policy: isinstance(value, str) and value in policy.images,
        "only the release's images may run, each by its digest.",
        required=True,
    ),
    "User": _Key(
        lambda value, _: isinstance(value, str) and _USER.fullmatch(value) is not None,
        "a run is `uid:gid` in numbers, and neither is root's.",
        required=True,
    ),
    "Labels": _Key(
        _is_own,
        f"a run has the labels `{ENVIRONMENT_LABEL}` of this environment and `{RUN_LABEL}`, and none of another kind.",
        required=True,
    ),
    "Cmd": _Key(_is_texts, "a command is a list of texts."),
    "Env": _Key(_is_texts, "an environment is a list of texts."),
    # What one hears who attaches, which nobody can here.
    "AttachStdout": _Key(_is_on, "it is on or off."),
    "AttachStderr": _Key(_is_on, "it is on or off."),
}

_HOST = {
    "NetworkMode": _Key(
        lambda value, policy: isinstance(value, str) and value in policy.networks,
        "a run is in its environment's own network, not in the machine's, another container's or none.",
        required=True,
    ),
    "Binds": _Key(
        lambda value, policy: _is_texts(value, policy) and policy.mounts.issuperset(value),
        "only the listed mounts may be used, each in the very spelling of the list.",
    ),
    "CapDrop": _Key(lambda value, _: value == ["ALL"], "a run drops ALL capabilities.", required=True),
    "SecurityOpt": _Key(
        lambda value, _: value in (["no-new-privileges"], ["no-new-privileges:true"]),
        "a run has no-new-privileges, and no other security option.",
        required=True,
    ),
    "LogConfig": _Key(_is_limited_log, "logs are files with limits: no other driver, no other option."),
    "Tmpfs": _Key(_is_scratch, "only /tmp may be in memory."),
    "ReadonlyRootfs": _Key(_is_on, "it is on or off."),
    "Init": _Key(_is_on, "it is on or off."),
} | {
    name: _Key(_is_amount, "a limit is a positive number.")
    for name in ("Memory", "MemorySwap", "NanoCpus", "PidsLimit", "ShmSize")
}


def is_run(labels: Any, environment: str) -> bool:
    """Say whether a container with these labels is a run of the environment."""
    return isinstance(labels, Mapping) and labels.get(ENVIRONMENT_LABEL) == environment and RUN_LABEL in labels


def approve_container(body: bytes, policy: Policy) -> bytes:
    """Return what the engine is asked for: only keys that were looked at, so that it reads nothing but what was read.

    The engine tells no `Privileged` from `privileged`, and takes the last of two; a list that is empty can mean more
    than none (`MaskedPaths`).

    Raises:
        UserError: the container would be more than a run.
    """
    asked = _read(body)
    host = asked.pop("HostConfig", None) or {}
    networks, volumes = asked.pop("NetworkingConfig", None) or {}, asked.pop("Volumes", None) or {}
    if not isinstance(host, dict):
        raise _refusal("HostConfig", host, "it is an object.")
    host = _keep(host, _HOST, "HostConfig.", policy)
    container = _keep(asked, _CONTAINER, "", policy)
    # Docker's Python client sends the network's name without settings here, and the targets of the mounts there.
    if not isinstance(networks, dict) or any(settings is not None for settings in networks.values()):
        raise _refusal("NetworkingConfig", networks, "an alias or an address could be another service's.")
    targets = {bind.partition(":")[2].removesuffix(":ro") for bind in host.get("Binds", [])}
    if not isinstance(volumes, dict) or not volumes.keys() <= targets:
        raise _refusal("Volumes", volumes, "only the listed mounts may be used.")
    return json.dumps(container | {"HostConfig": host}).encode()


def _read(body: bytes) -> dict[str, Any]:
    try:
        asked = json.loads(body)
    except (ValueError, RecursionError):
        asked = None
    if not isinstance(asked, dict):
        raise UserError(
            "the guard refuses a container that it cannot read.",
            "the request's body is not a JSON object.",
            "describe the container as Docker's interface says.",
        )
    return asked


def _keep(asked: Mapping[str, Any], keys: Mapping[str, _Key], prefix: str, policy: Policy) -> dict[str, Any]:
    kept = {name: value for name, value in asked.items() if value is not None and value is not False}
    for name, value in kept.items():
        if name not in keys:
            raise _refusal(
                prefix + name, value, "a run needs no such setting, and it could reach beyond its container."
            )
        if not keys[name].holds(value, policy):
            raise _refusal(prefix + name, value, keys[name].why)
    for name, key in keys.items():
        if key.required and name not in kept:
            raise _refusal(prefix + name, None, key.why)
    return kept


def _refusal(name: str, value: Any, why: str) -> UserError:
    return UserError(
        f"the guard refuses a container with {name} = {json.dumps(value)[:300]}.",
        why,
        "if the release, the settings or a project's limits have changed, `./atoll up ENV` makes the lists anew.",
    )
