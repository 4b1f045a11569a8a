"""A temporary checkout: this one's files, with locations made for measuring in place of its own."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path

import tomllib

ROOT = Path(__file__).resolve().parent.parent
TEMPLATES = Path(__file__).resolve().parent / "locations"
# This checkout's own projects.
OWN = tuple(sorted(path.parent.name for path in (ROOT / "code_locations").glob("*/pyproject.toml")))

# What a reader has set for his own work must not reach what is measured, nor the other way round.
FOREIGN = ("ATOLL_", "DAGSTER_", "PYTHON", "VIRTUAL_ENV", "UV_PROJECT_ENVIRONMENT")
# Where this machine's engine is, and what images are built on and with.
ENGINE = ("ATOLL_DOCKER", "ATOLL_REGISTRY", "ATOLL_BASE_IMAGE", "ATOLL_BUILD_")


def build_environment() -> dict[str, str]:
    """Build the environment of platform and script alike: one thread, nothing of this shell's Python, and a uv."""
    mine = os.environ.items()
    own = {name: value for name, value in mine if name.startswith(ENGINE) or not name.startswith(FOREIGN)}
    path = os.pathsep.join([own.get("PATH", os.defpath), str(ROOT / ".atoll" / "uv" / "bin")])
    return {**own, "OMP_NUM_THREADS": "1", "PATH": path}


class Checkout:
    """A copy of the checkout in which platforms are started; locations come from templates."""

    def __init__(self, root: Path) -> None:
        """Copy every file that git has or would have, but the projects, into a repository with one commit."""
        self.root = root / "checkout"
        self.environment = build_environment()
        self._parked = root / "parked"
        self._locations = self.root / "code_locations"
        self._copy(".", ":(exclude)code_locations")
        who = ["-c", "user.name=Benchmark", "-c", "user.email=benchmark@example.org", "-c", "commit.gpgsign=false"]
        for command in (["init", "-q"], ["add", "-A"], [*who, "commit", "-qm", "everything"]):
            self.run(["git", *command])
        self._locations.mkdir()
        self._parked.mkdir()

    def use(self, locations: dict[str, str] | None = None, own: Sequence[str] = ()) -> None:
        """Have exactly these locations, installed and ready to start.

        Args:
            locations: The template's name for each location's name.
            own: Projects of this checkout, as they are.
        """
        for folder in list(self._locations.iterdir()):
            folder.rename(self._parked / folder.name)
        for name, template in {**dict.fromkeys(own), **(locations or {})}.items():
            if (self._parked / name).exists():
                (self._parked / name).rename(self._locations / name)
            elif template is None:
                self._copy(f"code_locations/{name}")
            else:
                self._make(name, template)
        self.run(["./atoll", "sync"])

    def run(self, command: Sequence[str | Path], **environment: str) -> str:
        """Run a command at the root and return what it printed; what went wrong is raised with its output."""
        everything = self.environment | environment
        done = subprocess.run(command, cwd=self.root, env=everything, capture_output=True, text=True, check=False)
        if done.returncode:
            words = " ".join(map(str, command))
            raise RuntimeError(f"{words} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
        return done.stdout

    def python(self, location: str) -> Path:
        """Name the interpreter of a location's environment."""
        return self._locations / location / ".venv" / "bin" / "python"

    def _copy(self, *pathspecs: str) -> None:
        """Copy files of this checkout that git has or would have."""
        listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", *pathspecs]
        for name in subprocess.run(listed, cwd=ROOT, check=True, capture_output=True, text=True).stdout.split("\0"):
            if (ROOT / name).is_file():
                (self.root / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / name, self.root / name)

    def _make(self, name: str, template: str) -> None:
        """Copy a template under another name, and lock it with the versions that pyproject.toml states."""
        folder = TEMPLATES / template
        for source in [folder / "pyproject.toml", *folder.rglob("*.py")]:
            parts = source.relative_to(folder).parts
            target = self._locations.joinpath(name, *(name if part == template else part for part in parts))
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(source.read_text().replace(template, name))
        pair = tomllib.loads((self.root / "pyproject.toml").read_text())["tool"]["atoll"]["dagster"]["core"]
        self.run(["uv", "lock", "--project", self._locations / name, "--upgrade-package", f"dagster=={pair}"])


@contextmanager
def temporary_checkout() -> Generator[Checkout]:
    """Make a checkout, and remove it with everything in it."""
    with tempfile.TemporaryDirectory(prefix="atoll-benchmark-") as folder:
        yield Checkout(Path(folder))
