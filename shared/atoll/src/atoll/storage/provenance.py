"""What a process can say about where its artefacts come from: commit, lock file, image, packages."""

import hashlib
import os
import subprocess
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any

from atoll.configuration import find_root
from atoll.storage.packages import list_versions

# Every tag is left out, so that what is described is the commit. Git must not write its index beside a person's git.
DESCRIBE = ("git", "describe", "--always", "--abbrev=40", "--exclude=*", "--dirty=+dirty")
PATIENCE = 10.0


def describe_origin(location: str) -> dict[str, Any]:
    """Fields of a manifest that are the same for all artefacts that this process makes for a code location."""
    return {
        "commit": begin_reading_commit().result(),
        "lock": _hash_lock(location),
        "image": os.environ.get("DAGSTER_CURRENT_IMAGE"),
        "packages": list_versions(location),
    }


@cache
def begin_reading_commit() -> "Future[str | None]":
    """Ask git in the background, once for each process: where much has changed it takes its time."""
    pool = ThreadPoolExecutor(1)
    try:
        return pool.submit(_read_commit, find_root())
    finally:
        pool.shutdown(wait=False)


def _read_commit(root: Path | None) -> str | None:
    """Commit of the image or the checkout, with ``+dirty`` where files were changed; None without git or its folder."""
    if built := os.environ.get("ATOLL_COMMIT"):
        return built
    if root is None:
        return None
    environment = {**os.environ, "GIT_OPTIONAL_LOCKS": "0"}
    try:
        done = subprocess.run(
            DESCRIBE, cwd=root, env=environment, capture_output=True, text=True, timeout=PATIENCE, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() or None


@cache
def _hash_lock(location: str) -> str | None:
    lock = (find_root() or Path()) / "code_locations" / location / "uv.lock"
    return hashlib.sha256(lock.read_bytes()).hexdigest() if lock.is_file() else None
