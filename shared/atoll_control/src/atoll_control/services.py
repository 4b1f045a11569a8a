"""Services: what runs beside Dagster in an environment of its own, one folder with a manifest under `deploy/` each."""

from dataclasses import dataclass
from pathlib import Path

from atoll_control.errors import UserError
from atoll_control.files import Checkout


@dataclass(frozen=True)
class Service:
    """A locked uv project without a package: all of it is other people's, and has the folder's name."""

    name: str
    folder: Path
    problem: UserError | None = None

    @property
    def python(self) -> Path:
        """The interpreter of the service's own environment."""
        return self.folder / ".venv" / "bin" / "python"

    @property
    def modules(self) -> dict[str, str]:
        """What its environment must hold, wherever it comes from."""
        return {self.name: ""}


def discover_services(checkout: Checkout) -> list[Service]:
    """Return every service, by name."""
    return [
        Service(manifest.parent.name, manifest.parent) for manifest in sorted(checkout.deploy.glob("*/pyproject.toml"))
    ]
