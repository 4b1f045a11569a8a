"""Locks as uv writes them, of nothing but names and versions."""

from pathlib import Path

from atoll_control.files import write_atomically

PACKAGE = """
[[package]]
name = "{name}"
version = "{version}"
"""


def write_lock(folder: Path, **versions: str) -> None:
    packages = (PACKAGE.format(name=name, version=version) for name, version in versions.items())
    write_atomically(folder / "uv.lock", "version = 1\n" + "".join(packages))
