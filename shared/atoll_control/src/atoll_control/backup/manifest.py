"""What a backup says of itself: where, when and by what it was made, and what is in it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from atoll_control.errors import UserError

# Raised when what an earlier command would make of a file is wrong.
FORMAT = 1
NAME = "manifest.json"


class Member(BaseModel):
    """One file in a backup: its bytes, and their SHA-256."""

    model_config = ConfigDict(frozen=True)

    size: int
    sha256: str


class Versions(BaseModel):
    """What wrote the databases: programs, PostgreSQL by its major version, and the revision of each schema.

    A schema is None where its tables were not made yet.
    """

    model_config = ConfigDict(frozen=True)

    dagster: str
    mlflow: str
    postgresql: int
    schemas: Mapping[str, str | None]


class Manifest(BaseModel):
    """A backup of `environment` as of `moment`.

    `commit` is that of the checkout, with `+dirty` where files differed from it. `store` is the URL of a store that is
    not in the backup, because it is elsewhere.
    """

    model_config = ConfigDict(frozen=True)

    format: Annotated[int, Field(ge=1)] = FORMAT
    environment: str
    moment: datetime
    frozen_seconds: float
    commit: str | None
    versions: Versions
    store: str | None
    members: Mapping[str, Member]


def read_manifest(text: bytes, where: str) -> Manifest:
    """Read it.

    Raises:
        UserError: it is that of a later command, or not valid.
    """
    try:
        manifest = Manifest.model_validate_json(text)
    except ValidationError as error:
        raise UserError(
            f"{where} is not a backup that can be read.", f"its manifest is not valid: {error}.", "take another one."
        ) from None
    if manifest.format > FORMAT:
        raise UserError(
            f"{where} is not a backup that can be read.",
            f"it has the format {manifest.format}, and this checkout knows {FORMAT}: it was made by a later one.",
            f"check out the commit {manifest.commit or 'that made it'}, or a later one.",
        )
    return manifest
