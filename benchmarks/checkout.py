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

# What a reader has set for his own work must not reach what is measured, nor the other way round.
FOREIGN = ("ATOLL_", "DAGSTER_", "PYTHON", "VIRTUAL_ENV", "UV_PROJECT_ENVIRONMENT")


def build_environment() -> dict[str, str]:
    """Build the environment of platform and script alike: one thread, nothing of this shell's Python, and a uv."""
    own = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
    path = os.pathsep.join([own.get("PATH", os.defpath), str(ROOT / ".atoll" / "uv" / "bin")])
    return {**own, "OMP_NUM_THREADS": "1", "PATH": path}


class Checkout:
    """A copy of the checkout in which platforms are started; locations come from templates."""

    def __init__(self, root: Path) -> None:
        """Copy every file that git has or would have, but the projects."""
        self.root = root / "checkout"
        self.environment = build_environment()
        self._parked = root / "parked"
        self._locations = self.root / "code_locations"
        listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        for name in subprocess.run(listed, cwd=ROOT, check=True, capture_output=True, text=True).stdout.split("\0"):
            source = ROOT / name
            if source.is_file() and not name.startswith("code_locations/"):
                (self.root / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(source, self.root / name)
        self._locations.mkdir()
        self._parked.mkdir()

    def use(self, locations: dict[str, str]) -> None:
        """Have exactly these locations, installed and ready to start.

        Args:
            locations: The template's name for each location's name.
        """
        for folder in list(self._locations.iterdir()):
            folder.rename(self._parked / folder.name)
        for name, template in locations.items():
            if (self._parked / name).exists():
                (self._parked / name).rename(self._locations / name)
            else:
                self._make(name, template)
        self.run(["./atoll", "sync"])

    def use_own(self, names: Sequence[str]) -> None:
        """Have these projects of this checkout, as they are, installed and ready to start."""
        for folder in list(self._locations.iterdir()):
            folder.rename(self._parked / folder.name)
        for name in names:
            listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", f"code_locations/{name}"]
            for file in subprocess.run(listed, cwd=ROOT, check=True, capture_output=True, text=True).stdout.split("\0"):
                if (ROOT / file).is_file():
                    (self.root / file).parent.mkdir(parents=True, exist_ok=True)
                    shutil.copy2(ROOT / file, self.root / file)
        self.run(["./atoll", "sync"])

    def run(self, command: Sequence[str | Path]) -> str:
        """Run a command at the root and return what it printed; what went wrong is raised with its output."""
        done = subprocess.run(command, cwd=self.root, env=self.environment, capture_output=True, text=True, check=False)
        if done.returncode:
            words = " ".join(map(str, command))
            raise RuntimeError(f"{words} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
        return done.stdout

    def python(self, location: str) -> Path:
        """Name the interpreter of a location's environment."""
        return self._locations / location / ".venv" / "bin" / "python"

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
