"""The same chains as one plain script: ``python -m steps.script order|value LENGTH FOLDER``."""

import json
import sys
from pathlib import Path


def nothing() -> None:
    """Do nothing."""


def pass_on(value: int) -> int:
    """Pass the value on."""
    return value


def main(kind: str, length: int, folder: Path) -> None:
    """Call an empty function `length` times; for `value`, store and load what it returns each time."""
    if kind == "order":
        for _ in range(length):
            nothing()
        return
    (folder / "00.json").write_text("1")
    for place in range(1, length):
        value = pass_on(json.loads((folder / f"{place - 1:02}.json").read_text()))
        (folder / f"{place:02}.json").write_text(json.dumps(value))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]))
