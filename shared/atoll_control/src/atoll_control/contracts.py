"""Contracts between projects: the copy that a borrower keeps, held against what the lender's definitions say now."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from atoll_control.definitions import probe_definitions
from atoll_control.errors import UserError
from atoll_control.files import Checkout, write_atomically
from atoll_control.projects import Project

Contract = dict[str, Any]


def find_broken_contracts(checkout: Checkout, projects: Sequence[Project]) -> Iterator[UserError]:
    """Contracts that their lender breaks, does not state, or no longer has, and copies that are missing."""
    published, problems = _publish(projects)
    yield from problems
    for project in projects:
        for key in project.takes:
            path = _copy(project, key)
            where = path.relative_to(checkout.root)
            if key not in published:
                yield _gone(project, key, projects)
            elif (now := published[key]) is None:
                continue
            elif (held := _read(path)) is None:
                yield UserError(
                    f"{project.name} has no contract for {key}.", f"{where} is missing.", f"./atoll sync {project.name}"
                )
            elif breaks := list(find_breaks(held, now)):
                yield UserError(
                    f"{key} breaks its contract with {project.name}.",
                    f"{'; '.join(breaks)}.",
                    f"give it back what {where} says, or change {project.name} and then: "
                    f"rm {where} && ./atoll sync {project.name}",
                )
            elif held != now:
                yield UserError(
                    f"the contract of {project.name} for {key} is not current.",
                    "it was extended, which breaks nothing.",
                    f"./atoll sync {project.name}",
                )


def write_contracts(projects: Sequence[Project], borrowers: Sequence[Project]) -> list[Path]:
    """Bring the borrowers' copies up to date and return those that were written; a broken contract is left as it is."""
    if not any(project.takes for project in borrowers):
        return []
    wanted = {key for project in borrowers for key in project.takes}
    published, _ = _publish([project for project in projects if wanted & set(project.lends)])
    written = []
    for project in borrowers:
        for key in project.takes:
            path, now = _copy(project, key), published.get(key)
            held = _read(path)
            if now and held != now and not (held and list(find_breaks(held, now))):
                write_atomically(path, json.dumps(now, indent=1) + "\n")
                written.append(path)
    return sorted(written)


def find_missing_contracts(projects: Sequence[Project], borrowers: Sequence[Project]) -> Iterator[UserError]:
    """Contracts that borrowers take and have no copy of: their definitions do not load."""
    lenders = {key: project for project in projects for key in project.lends}
    for project in borrowers:
        for key in project.takes:
            if _copy(project, key).is_file():
                continue
            if key not in lenders:
                yield _gone(project, key, projects)
                continue
            lender = lenders[key].name
            yield UserError(
                f"{project.name} has no contract for {key}.",
                f"{lender}, which lends it, does not say one: its environment is not there, or it does not load.",
                f"./atoll sync {lender} {project.name}; ./atoll check says more",
            )


def find_breaks(held: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    """Say what a borrower relied on and does not get any more; what was added breaks nothing."""
    for name, kind in held["columns"].items():
        if name not in now["columns"]:
            yield f"column `{name}` is gone"
        elif now["columns"][name] != kind:
            yield f"column `{name}` is {now['columns'][name]}, not {kind}"
    if _fixed_partitions(held) != _fixed_partitions(now):
        yield "its partitions have changed"
    elif gone := _gone_partitions(held["partitions"] or {}, now["partitions"] or {}):
        yield gone
    if held["freshness"] and (not now["freshness"] or now["freshness"]["fail"] > held["freshness"]["fail"]):
        yield "it promises to be fresh later than before"


def _fixed_partitions(contract: Mapping[str, Any]) -> dict[str, Any] | None:
    """What of the partitions may not change: all but how far they reach."""
    partitions = contract["partitions"]
    if partitions is None:
        return None
    return {name: value for name, value in partitions.items() if name not in ("start", "end", "keys")}


def _gone_partitions(held: Mapping[str, Any], now: Mapping[str, Any]) -> str | None:
    if lost := set(held.get("keys", ())) - set(now.get("keys", ())):
        return f"partitions are gone: {', '.join(sorted(lost))}"
    if "start" in held and now["start"] > held["start"]:
        return f"its partitions begin at {now['start']}, not at {held['start']}"
    if "start" in held and now["end"] and (not held["end"] or now["end"] < held["end"]):
        return f"its partitions end at {now['end']}, not at {held['end'] or 'the present'}"
    return None


def _publish(projects: Sequence[Project]) -> tuple[dict[str, Contract | None], list[UserError]]:
    """Ask the lenders; return contracts by key, and what keeps a lent asset from having one.

    The contract is None where it cannot be known: the asset's problem, or that of its project, is reported already.
    """
    published: dict[str, Contract | None] = {}
    problems = []
    for project in projects:
        if not project.lends:
            continue
        published |= dict.fromkeys(project.lends)
        _, found = probe_definitions(project)
        for key, contract in found.get("contracts", {}).items():
            if "what" in contract:
                problems.append(UserError(contract["what"], contract["why"], contract["how"]))
            else:
                published[key] = contract
    return published, problems


def _gone(project: Project, key: str, projects: Sequence[Project]) -> UserError:
    lender = next((other for other in projects if other.name == key.partition("/")[0]), None)
    lent = f"it lends {', '.join(lender.lends) or 'nothing'}" if lender else "there is no such code location"
    return UserError(
        f"{project.name} takes {key}, which is not lent.",
        f"{lent}.",
        f"lend it in [tool.atoll] of code_locations/{key.partition('/')[0]}/pyproject.toml, or stop taking it.",
    )


def _copy(project: Project, key: str) -> Path:
    return project.source.joinpath(project.name, "contracts", *key.split("/")).with_suffix(".json")


def _read(path: Path) -> Contract | None:
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None
