"""What containers read of files: whether they can, and which containers a changed file concerns."""

import hashlib
from collections.abc import Iterable, Sequence
from pathlib import Path

from atoll_control.errors import UserError
from atoll_control.files import Checkout
from atoll_control.projects import Project

# Where they are in `deploy/`.
INSTANCE = Path("instance", "dagster.yaml")
CADDYFILE = Path("proxy", "Caddyfile")
MOUNTED = (INSTANCE.parent, INSTANCE, Path("postgres", "databases.sh"), CADDYFILE)


def require_readable(checkout: Checkout, secrets: Path) -> None:
    """Refuse what the containers' user, whom the secrets belong to, could not read.

    Raises:
        UserError: a file of the checkout is for another user alone.
    """
    owner = secrets.stat()
    for path in (checkout.deploy / part for part in MOUNTED):
        said = path.stat()
        shift = 6 if said.st_uid == owner.st_uid else 3 if said.st_gid == owner.st_gid else 0
        wanted = 0o5 if path.is_dir() else 0o4
        if said.st_mode >> shift & wanted != wanted:
            where = path.relative_to(checkout.root)
            raise UserError(
                f"containers cannot read {where}.",
                f"they run as the user with the number {owner.st_uid}, and its mode is {said.st_mode & 0o777:o}.",
                "chmod -R u=rwX,go=rX deploy",
            )


def mark_services(deploy: Path, secrets: Path, library: str, projects: Sequence[Project]) -> dict[str, str]:
    """Return a mark of what each code server and the proxy read when they start; another one makes another container.

    Of secrets it is the time at which they were written: a short one could be guessed from a mark of itself.
    """
    own = {project.name: [secrets / project.name / secret for secret in project.secrets] for project in projects}
    marks = {name: _mark(library, paths) for name, paths in own.items()}
    return marks | {"proxy": _mark((deploy / CADDYFILE).read_text(encoding="utf-8"), (secrets / "proxy").iterdir())}


def _mark(text: str, secrets: Iterable[Path]) -> str:
    times = [(path.name, path.stat().st_mtime_ns) for path in sorted(secrets)]
    return hashlib.sha256(f"{text}{times}".encode()).hexdigest()[:12]
