"""A clone of the checkout on a machine that has Python, git and coreutils, and nothing else of ours."""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from dagster import DagsterRun, DagsterRunStatus

from atoll_control.files import Checkout
from atoll_control.instance import open_instance

ROOT = Path(__file__).parents[1]

PROGRAMS = (
    "basename cat chmod cp cut dirname env false git head ln ls mkdir mktemp mv nice pwd readlink rm sed sh sleep sort "
    "tail test touch tr true uname wc"
).split()  # fmt: skip

FOREIGN = ("ATOLL_", "VIRTUAL_ENV", "DAGSTER_", "PYTHON", "UV_PROJECT_ENVIRONMENT", "PYENV_VERSION")

SEPARATE = ["git", "-c", "user.name=Newcomer", "-c", "user.email=newcomer@example.org", "-c", "commit.gpgsign=false"]


@dataclass(frozen=True)
class Finished:
    """A command that ended: its exit code and its two streams."""

    code: int
    stdout: str
    stderr: str

    @property
    def text(self) -> str:
        return self.stdout + self.stderr


@dataclass(frozen=True)
class Clone:
    """A clone, and the environment in which a newcomer types commands."""

    root: Path
    environment: dict[str, str]

    @property
    def checkout(self) -> Checkout:
        return Checkout(self.root)

    @property
    def locations(self) -> list[str]:
        return sorted(folder.name for folder in (self.root / "code_locations").iterdir())

    @property
    def uv_folder(self) -> Path:
        """Where the wrapper installs uv."""
        return self.root / ".atoll" / "uv" / "bin"

    def run(self, *command: str | Path, cwd: Path | None = None, **environment: str) -> Finished:
        done = subprocess.run(
            [str(part) for part in command],
            cwd=cwd or self.root,
            env=self.environment | environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        return Finished(done.returncode, done.stdout, done.stderr)

    def atoll(self, *arguments: str, **environment: str) -> Finished:
        return self.run("./atoll", *arguments, cwd=None, **environment)

    def uv(self, *arguments: str, cwd: Path | None = None, **environment: str) -> Finished:
        return self.run(self.uv_folder / "uv", *arguments, cwd=cwd, **environment)

    def runs(self) -> dict[str, DagsterRun]:
        """Return the runs of the clone's instance by their ids."""
        with open_instance(self.checkout) as instance:
            return {run.run_id: run for run in instance.get_runs()}

    def unfinished(self) -> list[DagsterRunStatus]:
        return [run.status for run in self.runs().values() if not run.is_finished]

    def keep(self, *locations: str) -> None:
        """Remove every project but these."""
        others = [f"code_locations/{location}" for location in self.locations if location not in locations]
        removed = self.run("git", "rm", "-rq", *others)
        assert removed.code == 0, removed.text

    def restore(self) -> None:
        """Undo every change of what git tracks, and every file that it does not know and does not ignore."""
        for command in (["git", "checkout", "-q", "--", "."], ["git", "clean", "-fdq"]):
            done = self.run(*command)
            assert done.code == 0, done.text


def make_clone(folder: Path) -> Clone:
    """Copy what git tracks, and what it would, into a new repository with one commit."""
    listed = subprocess.run(
        ["git", "ls-files", "-coz", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    # With a space: the path of a checkout may have one.
    clone = Clone(folder / "a clone", newcomers_environment(folder / "bin"))
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).is_file():
            target = clone.root / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target)
    for command in (["git", "init", "-q"], ["git", "add", "-A"], [*SEPARATE, "commit", "-qm", "everything"]):
        done = clone.run(*command)
        assert done.code == 0, done.text
    return clone


def newcomers_environment(path: Path, **programs: Path) -> dict[str, str]:
    """Make a PATH with few programs and no uv; `programs` are added, or replace some of them."""
    path.mkdir()
    found: dict[str, Path] = {name: Path(program) for name in PROGRAMS if (program := shutil.which(name))}
    python = Path(sys.base_prefix) / "bin" / "python3.11"
    assert python.exists(), "these tests run on Python 3.11"
    found.update({"python3.11": python}, **programs)
    for name, program in found.items():
        (path / name).symlink_to(program)
    kept = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
    # What sensors make by themselves would be in the way of what a test makes.
    return kept | {"PATH": str(path), "ATOLL_AUTOMATION": "false"}
