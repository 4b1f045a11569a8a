"""What git says of files: which it tracks or would, and the last commit that touched them."""

import os
import subprocess
from collections.abc import Sequence

from atoll_control.errors import UserError
from atoll_control.files import Checkout

DIRTY = "+dirty"


def list_files(checkout: Checkout, pathspecs: Sequence[str]) -> list[str]:
    """Return the paths of all files that are tracked, or not ignored, and there."""
    listed = _git(checkout, "ls-files", "-coz", "--exclude-standard", "--", *pathspecs).split("\0")
    return sorted({path for path in listed if path and (checkout.root / path).is_file()})


def find_commit(checkout: Checkout, pathspecs: Sequence[str]) -> str | None:
    """Return the last commit that touched the files, with `+dirty` where one differs from it; None before the first."""
    commit = _git(checkout, "log", "-1", "--format=%H", "--", *pathspecs).strip()
    if not commit:
        return None
    return commit + (DIRTY if _git(checkout, "status", "--porcelain", "--", *pathspecs) else "")


def has_changed(checkout: Checkout, commit: str, pathspecs: Sequence[str]) -> bool:
    """Say whether a file is new or differs from what it was in a commit; from a commit that is not here, all do."""
    if not is_commit(checkout, commit):
        return True
    new = _git(checkout, "ls-files", "--others", "--exclude-standard", "--", *pathspecs)
    return bool(new or _git(checkout, "diff", "--name-only", commit, "--", *pathspecs))


def is_commit(checkout: Checkout, name: str) -> bool:
    """Say whether git knows a commit by this name."""
    try:
        return bool(_git(checkout, "rev-parse", "--quiet", "--verify", "--end-of-options", f"{name}^{{commit}}"))
    except UserError:
        return False


def _git(checkout: Checkout, *arguments: str) -> str:
    environment = {**os.environ, "GIT_OPTIONAL_LOCKS": "0"}
    try:
        done = subprocess.run(
            ["git", *arguments], cwd=checkout.root, env=environment, capture_output=True, text=True, check=False
        )
    except OSError as error:
        raise UserError("git cannot be asked.", f"{error}.", "install git (apt install git).") from None
    if done.returncode:
        said = (done.stderr.strip().splitlines() or ["it says nothing"])[0]
        raise UserError(
            "git cannot say what goes into the images.", f"{said}.", "run ./atoll build in a clone of the repository."
        )
    return done.stdout
