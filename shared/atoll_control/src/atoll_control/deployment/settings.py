"""Settings of an environment: `deploy/environments/ENV.settings.toml`, in git."""

import re
from datetime import date
from typing import Annotated, Literal

import tomllib
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from atoll_control.errors import UserError
from atoll_control.files import Checkout

SUFFIX = ".settings.toml"
# The registry that environments share has the compose project of that name.
TAKEN = {"registry"}


class Images(BaseModel):
    """Images that are not ours."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    postgres: Annotated[str, Field(min_length=1)] = "postgres:17"
    proxy: Annotated[str, Field(min_length=1)] = "caddy:2"


class Settings(BaseModel):
    """What differs between environments; no secret is among it.

    `host` and `port` are the name and port in every address that people use, `listen` the address of this machine that
    the port is open at. `tls` says where the certificate is from: the proxy's own authority, or the files `tls.crt` and
    `tls.key` in `proxy/` of the secrets. `profile`, `today`, `automation`, `sensor_interval`, `keep_runs_days` and
    `store` are settings of the library; without `store` it is a volume.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    host: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9.-]+$", to_lower=True)] = "localhost"
    listen: Annotated[str, Field(pattern=r"^[0-9a-fA-F.:\[\]]+$")] = "127.0.0.1"
    port: Annotated[int, Field(ge=1, le=65535)] = 8443
    tls: Literal["internal", "files"] = "internal"
    profile: Literal["sample", "full"] = "full"
    today: date | None = None
    automation: bool = True
    sensor_interval: Annotated[int | None, Field(ge=1)] = None
    keep_runs_days: Annotated[int | None, Field(ge=1)] = None
    store: Annotated[str | None, Field(min_length=1)] = None
    images: Images = Images()

    @property
    def address(self) -> str:
        """Where the page is, as browsers write it."""
        return f"https://{self.host}" if self.port == 443 else f"https://{self.host}:{self.port}"


def list_environments(checkout: Checkout) -> list[str]:
    """Return the names of the environments, by name."""
    return sorted(path.name.removesuffix(SUFFIX) for path in checkout.environments.glob(f"*{SUFFIX}"))


def read_settings(checkout: Checkout, name: str) -> Settings:
    """Read the settings of an environment.

    Raises:
        UserError: there is no such environment, or its settings are not valid.
    """
    known = list_environments(checkout)
    if name not in known:
        raise UserError(
            f"there is no environment {name}.",
            f"deploy/environments/ has {', '.join(known) or 'none'}.",
            f"name one of those, or write deploy/environments/{name}{SUFFIX} (an empty file takes what is usual).",
        )
    if not re.fullmatch(r"[a-z][a-z0-9]*", name) or name in TAKEN:
        raise UserError(
            f"{name} cannot be the name of an environment.",
            "containers, networks and volumes carry it: lower-case letters and digits, a letter first, not registry.",
            f"rename deploy/environments/{name}{SUFFIX}.",
        )
    path = checkout.environments / f"{name}{SUFFIX}"
    where = path.relative_to(checkout.root)
    try:
        return Settings.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        setting = ".".join(str(part) for part in first["loc"])
        raise UserError(
            f"the setting {setting} of {name} is not valid.", f"{where}: {first['msg']}.", "correct it there."
        ) from None
    except (OSError, ValueError) as error:
        raise UserError(f"{where} cannot be read.", f"{error}.", "correct that file.") from None
