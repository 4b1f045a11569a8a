"""What images are built on and where they go: `deploy/build.toml`, and what the environment says instead."""

import os
from dataclasses import dataclass
from pathlib import Path

import tomllib

from atoll_control.errors import UserError
from atoll_control.files import Checkout


@dataclass(frozen=True)
class BuildSettings:
    """`base` has `{python}` where the version goes; `certificate` is for a package index behind one of its own."""

    registry: str
    registry_image: str
    base: str
    certificate: Path | None = None
    network: str | None = None

    @property
    def own_registry(self) -> bool:
        """Whether the registry is of this machine, so that we start it."""
        return self.registry.partition(":")[0] in ("127.0.0.1", "localhost")

    def repository(self, name: str) -> str:
        """Return where an image goes, without tag or digest."""
        return f"{self.registry}/atoll/{name}"


def read_build_settings(checkout: Checkout) -> BuildSettings:
    """Read the file; an environment variable wins."""
    path = checkout.deploy / "build.toml"
    try:
        said = tomllib.loads(path.read_text(encoding="utf-8"))
        certificate = os.environ.get("ATOLL_BUILD_CA")
        return BuildSettings(
            registry=os.environ.get("ATOLL_REGISTRY") or said["registry"],
            registry_image=os.environ.get("ATOLL_REGISTRY_IMAGE") or said["registry_image"],
            base=os.environ.get("ATOLL_BASE_IMAGE") or said["base"],
            certificate=Path(certificate) if certificate else None,
            network=os.environ.get("ATOLL_BUILD_NETWORK"),
        )
    except OSError as error:
        why = f"{error.strerror}."
    except tomllib.TOMLDecodeError as error:
        why = f"it does not parse: {error}."
    except KeyError as error:
        why = f"it does not say {error.args[0]}."
    raise UserError("deploy/build.toml cannot be read.", why, "git checkout HEAD -- deploy/build.toml")
