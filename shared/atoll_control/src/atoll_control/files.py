"""Files: where the checkout is, and writing that leaves the old or the new, whole."""

import os
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from atoll_control.errors import UserError


@dataclass(frozen=True)
class Checkout:
    """The folders and files of one checkout; everything that runs keeps its state under `state`."""

    root: Path

    @property
    def code_locations(self) -> Path:
        """One folder a project: the source of truth for everything derived."""
        return self.root / "code_locations"

    @property
    def workspace(self) -> Path:
        """The derived, committed `workspace.yaml`."""
        return self.root / "workspace.yaml"

    @property
    def pyproject(self) -> Path:
        """The control plane's manifest, with the Dagster pair of versions."""
        return self.root / "pyproject.toml"

    @property
    def dg(self) -> Path:
        """Dg's settings, with its derived list of projects."""
        return self.root / "dg.toml"

    @property
    def library(self) -> Path:
        """The library of every project."""
        return self.root / "shared" / "atoll"

    @property
    def control(self) -> Path:
        """The package of the command."""
        return self.root / "shared" / "atoll_control"

    @property
    def deploy(self) -> Path:
        """What runs beside Dagster; a folder with a manifest is a locked uv project of its own."""
        return self.root / "deploy"

    @property
    def environments(self) -> Path:
        """Settings and releases of the server's environments."""
        return self.deploy / "environments"

    @property
    def compose(self) -> Path:
        """The derived, committed description of the server's services."""
        return self.deploy / "compose.yaml"

    @property
    def delivery(self) -> Path:
        """The derived, committed workflow of what a merge sets off."""
        return self.root / ".github" / "workflows" / "delivery.yml"

    @property
    def state(self) -> Path:
        """Git-ignored state: instance, store, logs, locks."""
        return self.root / ".atoll"

    @property
    def dagster_home(self) -> Path:
        """Where `dagster.yaml` with absolute paths is kept for every process that the command starts."""
        return self.state / "dagster_home"

    @property
    def dev_log(self) -> Path:
        """What Dagster's `dev` and the code servers print."""
        return self.state / "logs" / "dev.log"

    @property
    def mlflow(self) -> Path:
        """MLflow's database and artifacts."""
        return self.state / "mlflow"

    @property
    def mlflow_log(self) -> Path:
        """What MLflow's server prints."""
        return self.state / "logs" / "mlflow.log"


def find_checkout() -> Checkout:
    """Return the checkout that the wrapper names, or the one that this interpreter's environment belongs to."""
    root = Path(os.environ.get("ATOLL_ROOT") or Path(sys.prefix).parent)
    if not (root / "dagster.yaml").is_file() or not (root / "pyproject.toml").is_file():
        raise UserError(
            f"{root} is not a checkout of the platform.",
            "it has no dagster.yaml beside a pyproject.toml.",
            "run ./atoll at the root of a checkout, or unset ATOLL_ROOT.",
        )
    return Checkout(root.resolve())


def write_atomically(path: Path, text: str) -> None:
    """Replace the file in one step, so that a reader or a crash sees the old text or the new, whole."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        temporary = Path(name)
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            temporary.chmod(0o644)
            temporary.replace(path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise UserError(
            f"{path} cannot be written.",
            f"{error.strerror} (errno {error.errno}).",
            "make room or mend the folder's permissions: ./atoll doctor",
        ) from error
