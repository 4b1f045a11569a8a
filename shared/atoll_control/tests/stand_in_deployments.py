"""A stand-in for deployments: releases are written down as deployed, and no engine is asked."""

import subprocess
from collections.abc import Callable

import pytest

from atoll_control.deployment.compose import render_compose
from atoll_control.deployment.history import History
from atoll_control.deployment.release import Release, Released, read_release
from atoll_control.errors import UserError
from atoll_control.files import Checkout, write_atomically
from atoll_control.process import Output
from atoll_control.projects import discover_projects
from atoll_control.workflows import replacement
from atoll_control.workflows.replacement import is_locked

PARTS = ("control", "cars", "trips")


def image(part: str, digit: str, lock: str = "l0ck") -> Released:
    return Released(f"127.0.0.1:5005/atoll/{part}@sha256:{digit * 64}", f"c0ffee{digit}00", lock)


def images(digit: str) -> Release:
    return {part: image(part, digit) for part in PARTS}


class Engine:
    """A stand-in for what is deployed: parts of `broken` do not come up, `lost` are in no registry."""

    def __init__(self) -> None:
        self.broken: set[str] = set()
        self.lost: set[str] = set()
        self.deployed: list[tuple[str, str, str]] = []
        self.problem: UserError | None = None


def stand_in(checkout: Checkout, add_project: Callable[[str], object], monkeypatch: pytest.MonkeyPatch) -> Engine:
    """Make two environments of two projects, and be what they are deployed to."""
    for name in PARTS[1:]:
        add_project(name)
    for name in ("staging", "production"):
        write_atomically(checkout.environments / f"{name}.settings.toml", "")
    write_atomically(checkout.deploy / "build.toml", 'registry = "127.0.0.1:5005"\nregistry_image = "i"\nbase = "b"\n')
    write_atomically(checkout.compose, render_compose(discover_projects(checkout)))
    subprocess.run(["git", "init", "--quiet"], cwd=checkout.root, check=True)
    engine = Engine()

    def deploy_held(server, projects, *, verb, reason):
        assert is_locked(server)
        if engine.problem:
            raise engine.problem
        name = server.name
        history, wanted = History(server.folder / "history"), read_release(checkout, name)
        before = history.current()
        engine.deployed.append((name, verb, reason))
        failed = {
            part: "it does not load" for part in wanted if part in engine.broken and wanted[part] != before.get(part)
        }
        begun = history.begin(verb=verb, author="Ada", reason=reason, source="5eed", release=wanted, before=before)
        return 1 if history.end(begun, failed).failed else 0

    monkeypatch.setattr(replacement, "deploy_held", deploy_held)
    monkeypatch.setattr(replacement, "require_engine", lambda: None)
    monkeypatch.setattr("atoll_control.deployment.release.holds", lambda _, part, __: part not in engine.lost)
    monkeypatch.setattr("atoll_control.deployment.release.docker", lambda *_: Output(1, "", "No such image"))
    return engine
