"""Typed settings, read once: environment variables and one optional file."""

import json
import os
from datetime import date
from functools import cache
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, ValidationError
from pydantic_settings import (
    BaseSettings,
    JsonConfigSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from atoll.errors import UserError

FILE = "atoll.toml"
RECORD = ".atoll/clock.json"
PREFIX = "ATOLL_"


def find_root() -> Path | None:
    """Find the checkout: the folder with ``code_locations/`` and ``workspace.yaml``.

    ``ATOLL_ROOT`` names it; otherwise it is looked for above the working directory, then above this library, which
    lies in the checkout, as its source or in the environment of a project.

    Raises:
        UserError: ``ATOLL_ROOT`` names no folder.
    """
    named = os.environ.get(f"{PREFIX}ROOT")
    if named:
        root = Path(named).absolute()
        if not root.is_dir():
            raise UserError(
                "The checkout cannot be found.",
                f"The environment variable {PREFIX}ROOT names {root}, which is no folder.",
                f"Set {PREFIX}ROOT to the checkout's folder, or remove it.",
            )
        return root
    for start in (Path.cwd(), Path(__file__).resolve().parent):
        for folder in (start, *start.parents):
            if (folder / "code_locations").is_dir() and (folder / "workspace.yaml").is_file():
                return folder
    return None


class Settings(BaseSettings):
    """What differs between a laptop, a server and a cluster.

    Every setting is an environment variable ``ATOLL_<NAME>`` or a key of ``atoll.toml`` at the checkout's root; the
    environment wins. Between the two is the record of a replay, which moves ``today`` and may set ``profile``.

    ``today`` is the day on which the platform lives (None is the real one), ``automation`` says whether sensors are on
    from the start, ``sensor_interval`` how many seconds are between two looks of each, ``keep_runs_days`` how long runs
    are kept (None is for ever). ``page`` is the address of Dagster's page, for links, and ``tracking_page`` that of
    MLflow's, where people reach it at another one than ``tracking``.
    """

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_prefix_target="all", env_ignore_empty=True, extra="forbid", frozen=True
    )

    profile: Literal["sample", "full"] = "sample"
    store_url: Annotated[str | None, Field(alias="store", min_length=1, repr=False)] = None
    log_level: Annotated[Literal["debug", "info", "warning", "error"], BeforeValidator(lambda v: str(v).lower())] = (
        "info"
    )

    today: date | None = None
    automation: bool = False
    sensor_interval: Annotated[int, Field(ge=1)] = 15
    keep_runs_days: Annotated[int | None, Field(ge=1)] = None
    tracking_uri: Annotated[str | None, Field(alias="tracking", min_length=1, repr=False)] = None
    page: str = "http://127.0.0.1:3000"
    tracking_page: str | None = None

    @property
    def sample(self) -> bool:
        """Whether only the small sample is worked on."""
        return self.profile == "sample"

    @property
    def store(self) -> str:
        """URL or absolute folder of the store; a relative folder is one in the checkout.

        Raises:
            UserError: Neither a setting nor a checkout says where it is.
        """
        root = find_root()
        if self.store_url and "://" in self.store_url:
            return self.store_url
        if self.store_url:
            return str((root or Path.cwd()) / Path(self.store_url).expanduser())
        if root is None:
            raise UserError(
                "There is no store to read from or write to.",
                "The setting `store` is not set, and there is no checkout (code_locations/ and workspace.yaml) above.",
                "Set ATOLL_STORE to a folder or to s3://bucket/prefix, or start in the checkout.",
            )
        return str(root / ".atoll" / "store")

    @property
    def tracking(self) -> str:
        """MLflow's tracking URI: that of the setting, or the database of the checkout.

        Raises:
            UserError: Neither a setting nor a checkout says where it is.
        """
        root = find_root()
        if self.tracking_uri:
            return self.tracking_uri
        if root is None:
            raise UserError(
                "There is no MLflow to track with.",
                "The setting `tracking` is not set, "
                "and there is no checkout (code_locations/ and workspace.yaml) above.",
                "Set ATOLL_TRACKING to the address of an MLflow server, or start in the checkout.",
            )
        return f"sqlite:///{root / '.atoll' / 'mlflow' / 'mlflow.db'}"

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Read the environment, then the record of a replay, then the file."""
        root = find_root()
        if root is None:
            return (env_settings,)
        record = JsonConfigSettingsSource(settings_cls, root / RECORD)
        return env_settings, record, TomlConfigSettingsSource(settings_cls, root / FILE)


@cache
def settings() -> Settings:
    """Read the settings; once, later calls give the same object (``settings.cache_clear()`` forgets it).

    Raises:
        UserError: A setting is unknown or not of its type, or a file cannot be read.
    """
    return read_settings()


def read_settings() -> Settings:
    """Read the settings anew, for what a replay moves while things run.

    Raises:
        UserError: A setting is unknown or not of its type, or a file cannot be read.
    """
    try:
        return Settings()
    except ValidationError as error:
        raise _explain(error) from None
    except (OSError, ValueError) as error:
        file = RECORD if isinstance(error, json.JSONDecodeError) else FILE
        raise UserError(f"The file {_locate(file)} cannot be read.", f"{error}.", "Correct or remove it.") from None


def _locate(file: str) -> Path:
    return (find_root() or Path()) / file


def _find_setting(name: str) -> str:
    """Say where a setting that is not valid was read."""
    variable = f"{PREFIX}{name.upper()}"
    if os.environ.get(variable):
        return f"the environment variable {variable}"
    record = _locate(RECORD)
    return str(record if record.is_file() and name in json.loads(record.read_text()) else _locate(FILE))


def _explain(error: ValidationError) -> UserError:
    """Explain the first error, without the value: it may be a secret."""
    first = error.errors(include_input=False, include_url=False)[0]
    name = str(first["loc"][0])
    where = _find_setting(name)
    if first["type"] == "extra_forbidden":
        known = ", ".join(field.alias or name for name, field in Settings.model_fields.items())
        return UserError(
            f"The setting `{name}` is unknown.",
            f"It is set in {where}.",
            f"Remove it there; the settings are: {known}.",
        )
    return UserError(
        f"The setting `{name}` is not valid.", f"It is set in {where}.", f"Correct it there: {first['msg']}."
    )
