"""The manifest of a project: what its `pyproject.toml` says, or why it cannot be read."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tomllib

from atoll_control.errors import UserError


@dataclass(frozen=True)
class Limits:
    """What a container may use: memory in Docker's notation (`2g`, `512m`) and a number of processors."""

    memory: str
    cpus: float


@dataclass(frozen=True)
class Smoke:
    """What is materialized after a delivery to see that it works: assets, and a partition if they have any."""

    select: str
    partition: str | None = None


SERVER, RUNS = Limits("1g", 1), Limits("2g", 2)


def read_manifest(path: Path, where: str) -> dict[str, Any]:
    """Return the whole manifest; `where` names the project in what is raised."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError(
            f"{where} is not a project.",
            "it has no pyproject.toml.",
            "add one, or move the folder out of code_locations/.",
        ) from None
    except OSError as error:
        raise UserError(
            f"{where} cannot be read.", f"its pyproject.toml: {error.strerror}.", "mend or remove that file."
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UserError(
            f"{where} cannot be read.", f"its pyproject.toml does not parse: {error}.", "mend that line of the file."
        ) from None


def table(manifest: dict[str, Any], where: str, *names: str) -> dict[str, Any]:
    """Return a table by its names, empty where there is none."""
    value: Any = manifest
    for name in names:
        value = value.get(name, {})
        if not isinstance(value, dict):
            raise UserError(
                f"{where} cannot be read.",
                f"{name} in its pyproject.toml is not a table.",
                f"write [{'.'.join(names)}] and what belongs to it.",
            )
    return value


def read_list(table: dict[str, Any], where: str, name: str) -> list[str]:
    """Return a list of texts of `[tool.atoll]`, empty where there is none."""
    value = table.get(name, [])
    if not isinstance(value, list) or not all(isinstance(entry, str) for entry in value):
        raise UserError(
            f"{where} cannot be read.", f"{name} under [tool.atoll] is not a list of texts.", f'write {name} = ["..."].'
        )
    return value


def read_secrets(atoll: dict[str, Any], where: str) -> tuple[str, ...]:
    """Return the names of the secrets of `[tool.atoll]`."""
    names = read_list(atoll, where, "secrets")
    for name in names:
        if not re.fullmatch(r"[A-Z][A-Z0-9_]*", name):
            raise UserError(
                f"{where} cannot be read.",
                f"its secret {name!r} is no name of an environment variable in capitals.",
                'write secrets = ["A_NAME"] under [tool.atoll].',
            )
    return tuple(names)


def read_limits(table: dict[str, Any], where: str, name: str, usual: Limits) -> Limits:
    """Return the limits that a table gives, with the usual ones where it is silent."""
    memory, cpus = table.get("memory", usual.memory), table.get("cpus", usual.cpus)
    is_number = isinstance(cpus, int | float) and not isinstance(cpus, bool) and cpus > 0
    if table.keys() - {"memory", "cpus"} or not is_number or not re.fullmatch(r"[1-9][0-9]*[mg]", str(memory)):
        raise UserError(
            f"{where} cannot be read.",
            f"[tool.atoll.{name}] in its pyproject.toml does not say memory and cpus as they are said.",
            f'write memory = "{usual.memory}" (m or g) and cpus = {usual.cpus} (above 0) there, and nothing else.',
        )
    return Limits(memory, float(cpus))


def read_smoke(table: dict[str, Any], where: str) -> Smoke | None:
    """Return what `[tool.atoll.smoke]` says; None where there is no such table."""
    if not table:
        return None
    # It becomes a line of a workflow file, in which `$` begins what is not meant here.
    named = table.keys() <= {"select", "partition"} and "select" in table
    if not named or not all(isinstance(text, str) and re.fullmatch(r"[^$\n]+", text) for text in table.values()):
        raise UserError(
            f"{where} cannot be read.",
            "[tool.atoll.smoke] in its pyproject.toml does not say select, and partition if need be, as they are said.",
            'write select = "an_asset,another_one" and perhaps partition = "2013-01-06" there, and nothing else.',
        )
    return Smoke(**table)
