"""Why definitions do not load, for people."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from atoll.errors import UserError

UNKNOWN = "There is no attribute of that name."
# What pydantic says for programmers.
WORDS = {
    "missing": "It is required, and not there.",
    "extra_forbidden": UNKNOWN,
    "unexpected_keyword_argument": UNKNOWN,
}


def explain(error: BaseException, package: Path) -> UserError | None:
    """Say what a person can mend: a place in a ``defs.yaml``, or what a module of ``defs`` says itself.

    Args:
        error: What loading raised.
        package: The folder that has ``defs``; files are named from there.

    Returns:
        What is wrong, why, and how it is mended; None where the error is of another kind.
    """
    for cause in _list_causes(error):
        if isinstance(cause, UserError):
            return UserError(cause.what, cause.why, cause.how)
        if isinstance(cause, ValidationError):
            faults = [fault for fault in cause.errors() if "source_position" in fault.get("ctx", {})]
            if faults:
                return _describe(faults, package)
    return None


def _list_causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__


def _describe(faults: list[Any], package: Path) -> UserError:
    # What is missing may only be misspelt.
    first = min(faults, key=lambda fault: fault["type"] == "missing")
    position = first["ctx"]["source_position"]
    file = Path(position.filename)
    place = file.relative_to(package) if file.is_relative_to(package) else file
    name = first["loc"][0].partition(" at ")[0].removeprefix("attributes.").removesuffix(".[key]")
    more = f" The file has {len(faults) - 1} more." if len(faults) > 1 else ""
    return UserError(
        f"{place}, line {position.start.line}: `{name}` is not valid.",
        f"{WORDS.get(first['type']) or _quote(first)}{more}",
        "Correct the file; `dg check yaml`, given its folder, shows the line.",
    )


def _quote(fault: Any) -> str:
    said = fault["msg"].removeprefix("Value error, ").removesuffix(".")
    return f"{said}." if isinstance(fault["input"], (dict, list)) else f"{said}; it is {fault['input']!r}."
