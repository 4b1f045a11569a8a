"""A checkout of which images can be built, and a Docker client that only writes down what it is told."""

import json
import stat
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from atoll_control.files import Checkout

BUILD = """
registry = "registry.example:443"
registry_image = "registry:2"
base = "python:{python}-slim"
"""

PROJECT = """
readme = "README.md"

[dependency-groups]
server = []

[tool.uv.sources]
atoll = { path = "../../shared/atoll", editable = true }
"""

CONTROL = """
[project]
name = "platform"
requires-python = ">=3.11"

[tool.uv]
package = false

[tool.uv.sources]
atoll-control = { path = "shared/atoll_control", editable = true }
"""

# It answers as the files beside it say, and keeps what it was told, with the names of the files in a build's context.
CLIENT = """#!/bin/sh
here=$(dirname "$0")
told=
for argument in "$@"; do
    told="$told$argument
"
    context=$argument
done
printf '%s---\\n' "$told" >> "$here/log"
case "$1" in
    build) (cd "$context" && find . -type f | LC_ALL=C sort) > "$here/context" ;;
esac
if [ -f "$here/fail-$1" ]; then
    case "$told" in
        *"$(cat "$here/fail-$1.when")"*) cat "$here/fail-$1" >&2 && exit 1 ;;
    esac
fi
case "$1" in
    image) [ ! -f "$here/base" ] || cat "$here/base" ;;
    push) echo "latest: digest: sha256:$(printf %064d 7) size: 1" ;;
esac
"""

# It finds every lock that is there current, and keeps where it was asked.
UV = """#!/bin/sh
pwd >> "$(dirname "$0")/checked"
[ -f uv.lock ] || { echo 'error: Unable to find lockfile at `uv.lock`' >&2; exit 2; }
"""


@dataclass(frozen=True)
class Client:
    """A stand-in for Docker's client, and one for uv, in a folder of their own."""

    folder: Path

    @property
    def path(self) -> Path:
        return self.folder / "docker"

    @property
    def uv(self) -> Path:
        return self.folder / "uv"

    @property
    def calls(self) -> list[list[str]]:
        """What it was told, one list a call."""
        log = self.folder / "log"
        calls = log.read_text().split("---\n") if log.exists() else []
        return [call.splitlines() for call in calls if call]

    @property
    def context(self) -> list[str]:
        """The files of the last build's context."""
        return [line.removeprefix("./") for line in (self.folder / "context").read_text().splitlines()]

    @property
    def checked(self) -> list[str]:
        """The names of the folders whose locks were checked."""
        log = self.folder / "checked"
        return [Path(line).name for line in log.read_text().splitlines()] if log.exists() else []

    def told(self, verb: str) -> list[list[str]]:
        return [call for call in self.calls if call[0] == verb]

    def fail(self, verb: str, message: str, when: str = "") -> None:
        """Let the calls that have `when` among their arguments fail."""
        (self.folder / f"fail-{verb}").write_text(message)
        (self.folder / f"fail-{verb}.when").write_text(when)

    def work(self, verb: str) -> None:
        (self.folder / f"fail-{verb}").unlink()

    def forget(self) -> None:
        for name in ("log", "checked"):
            (self.folder / name).unlink(missing_ok=True)

    def change_base(self, identity: str) -> None:
        (self.folder / "base").write_text(identity)


def make_client(folder: Path) -> Client:
    folder.mkdir()
    client = Client(folder)
    for program, script in ((client.path, CLIENT), (client.uv, UV)):
        program.write_text(script)
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
    client.change_base("sha256:base")
    return client


def make_repository(checkout: Checkout, *projects: Path) -> None:
    """Fill the checkout with all that images are made from, and commit it."""
    root = checkout.root
    write(root / "pyproject.toml", CONTROL)
    for path in ("uv.lock", "deploy/Dockerfile", "deploy/install", "deploy/entrypoint", "deploy/instance/dagster.yaml"):
        write(root / path, path)
    (root / "deploy" / "entrypoint").chmod(0o700)
    write(root / "deploy" / "build.toml", BUILD)
    write(root / "deploy" / "mlflow" / "pyproject.toml", '[project]\nname = "m"\n\n[tool.uv]\npackage = false\n')
    write(root / "deploy" / "mlflow" / "uv.lock", "lock")
    for name in ("atoll", "atoll_control"):
        folder = root / "shared" / name
        write(folder / "pyproject.toml", f'[project]\nname = "{name.replace("_", "-")}"\nreadme = "README.md"\n')
        for path in ("uv.lock", f"src/{name}/__init__.py", "tests/test_it.py", "README.md"):
            write(folder / path, path)
    for folder in projects:
        manifest = folder / "pyproject.toml"
        write(manifest, manifest.read_text().replace("dependencies = []", "dependencies = []" + PROJECT))
        for path in ("uv.lock", "tests/test_it.py", "docs/it.md", "README.md"):
            write(folder / path, path)
    write(root / ".gitignore", ".atoll/\n.venv/\n")
    git(checkout, "init", "-q")
    commit(checkout)


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def commit(checkout: Checkout) -> str:
    git(checkout, "add", "-A")
    git(checkout, "-c", "user.name=A", "-c", "user.email=a@example.org", "commit", "-qm", "a change", "--no-gpg-sign")
    return git(checkout, "rev-parse", "HEAD")


def git(checkout: Checkout, *arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=checkout.root, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def read_record(checkout: Checkout) -> dict[str, Any]:
    return json.loads((checkout.state / "builds.json").read_text())
