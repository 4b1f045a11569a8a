"""What a new container may be made of: each key that it may have, and what that key may hold.

Its command and its environment are free: a run executes a project's code anyway, and so does the project's code server
for whoever reaches its socket. What counts is what that code is shut in.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from atoll_control.errors import UserError
from atoll_control.guard.policy import ENVIRONMENT_LABEL, LOCATION_LABEL, RUN_LABEL, Policy

# Not those of Docker Compose: a container with them would pass for a service.
_LABEL = re.compile(r"(atoll\.|dagster/)[A-Za-z0-9._/-]+")


@dataclass(frozen=True)
class _Key:
    # Told what is asked and what the policy has for this key: None where it has nothing.
    holds: Callable[[Any, Any], bool]
    why: str
    required: bool = False


def _is_same(value: Any, allowed: Any) -> bool:
    return value == allowed


def _is_within(value: Any, allowed: Any) -> bool:
    return type(value) is int and 0 < value <= (allowed or 0)


def _is_among(value: Any, allowed: Any) -> bool:
    return _is_texts(value) and set(value) <= set(allowed or ())


def _is_on(value: Any, _: Any = None) -> bool:
    return value is True


def _is_texts(value: Any, _: Any = None) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def _are_a_runs(labels: Any, allowed: Any) -> bool:
    return (
        isinstance(labels, dict)
        and (allowed or {}).items() <= labels.items()
        and {ENVIRONMENT_LABEL, LOCATION_LABEL, RUN_LABEL} <= labels.keys()
        and all(_LABEL.fullmatch(name) and isinstance(value, str) for name, value in labels.items())
    )


_CONTAINER = {
    "Image": _Key(
        _is_same, "only the image of the run's location may run, by the digest of the release.", required=True
    ),
    "User": _Key(_is_same, "a run has its environment's user, `uid:gid` in numbers.", required=True),
    "Labels": _Key(
        _are_a_runs,
        f"a run has the labels `{ENVIRONMENT_LABEL}` of this environment, `{LOCATION_LABEL}` of a location of it and "
        f"`{RUN_LABEL}`, and none of another kind.",
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
        _is_same,
        "a run is in its environment's own network, not in the machine's, another container's or none.",
        required=True,
    ),
    "Binds": _Key(
        _is_among, "only the listed mounts of its location may be used, each in the very spelling of the list."
    ),
    "CapDrop": _Key(lambda value, _: value == ["ALL"], "a run drops ALL capabilities.", required=True),
    "SecurityOpt": _Key(
        lambda value, _: value in (["no-new-privileges"], ["no-new-privileges:true"]),
        "a run has no-new-privileges, and no other security option.",
        required=True,
    ),
    "LogConfig": _Key(_is_same, "a run's log is the limited one of all runs.", required=True),
    "ReadonlyRootfs": _Key(_is_on, "it is on or off."),
    "Init": _Key(_is_on, "it is on or off."),
} | {
    name: _Key(_is_within, "a run has this limit, and none above that of its location.", required=True)
    for name in ("Memory", "MemorySwap", "NanoCpus", "PidsLimit")
}


# Looked into on their own.
_INNER = ("HostConfig", "NetworkingConfig", "Volumes")


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
    refusals = []
    for allowed in _find_allowed(asked.get("Labels"), policy):
        try:
            return _approve(asked, allowed)
        except UserError as refusal:
            refusals.append(refusal)
    raise refusals[0]


def _approve(asked: Mapping[str, Any], allowed: Mapping[str, Any]) -> bytes:
    host, networks, volumes = (asked.get(name) or {} for name in _INNER)
    if not isinstance(host, dict):
        raise _refusal("HostConfig", host, "it is an object.")
    host = _keep(host, _HOST, "HostConfig.", allowed)
    container = _keep({name: asked[name] for name in asked if name not in _INNER}, _CONTAINER, "", allowed)
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


def _find_allowed(labels: Any, policy: Policy) -> Sequence[Mapping[str, Any]]:
    """Return what the policy has for the location that the labels name: one of nothing where they name none."""
    location = labels.get(LOCATION_LABEL) if isinstance(labels, dict) else None
    if location is None:
        return [{}]
    locations = policy.read()
    if not isinstance(location, str) or location not in locations:
        raise _refusal("Labels", labels, _CONTAINER["Labels"].why)
    return locations[location]


def _keep(
    asked: Mapping[str, Any], keys: Mapping[str, _Key], prefix: str, allowed: Mapping[str, Any]
) -> dict[str, Any]:
    kept = {name: value for name, value in asked.items() if value is not None and value is not False}
    for name, value in kept.items():
        if name not in keys:
            raise _refusal(
                prefix + name, value, "a run needs no such setting, and it could reach beyond its container."
            )
        if not keys[name].holds(value, allowed.get(name)):
            raise _refusal(prefix + name, value, keys[name].why)
    for name, key in keys.items():
        if key.required and name not in kept:
            raise _refusal(prefix + name, None, key.why)
    return kept


def _refusal(name: str, value: Any, why: str) -> UserError:
    return UserError(
        f"the guard refuses a container with {name} = {json.dumps(value)[:300]}.",
        why,
        "if the release, the settings or a project's limits have changed, `./atoll up ENV` makes the policy anew.",
    )
