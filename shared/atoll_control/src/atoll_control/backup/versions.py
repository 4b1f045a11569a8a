"""Which versions wrote a backup, and whether those that would read it are not older."""

import json
import re

from atoll_control.backup.manifest import Versions
from atoll_control.docker import docker, last_line
from atoll_control.errors import UserError

# Where the revisions of a schema are, in the package that brings it to the last one.
_SCHEMAS = {"dagster": "_core/storage/alembic/versions", "mlflow": "store/db_migrations/versions"}

_PROBE = """
import importlib.metadata, importlib.util, json, pathlib, re, sys
name, folder = sys.argv[1:]
files = pathlib.Path(importlib.util.find_spec(name).origin).parent.joinpath(folder)
found = (re.search(r"^revision\\b[^=]*=\\s*['\\"](\\w+)", file.read_text(), re.M) for file in files.glob("*.py"))
print(json.dumps([importlib.metadata.version(name), [match[1] for match in found if match]]))
"""


def find_program(package: str, image: str) -> tuple[str, frozenset[str]]:
    """Return the version of Dagster or MLflow in an image, and every revision of its schema that it knows.

    Raises:
        UserError: the image cannot be asked.
    """
    version, revisions = json.loads(_run(image, "python", "-Ic", _PROBE, package, _SCHEMAS[package]))
    return version, frozenset(revisions)


def find_postgresql(image: str) -> int:
    """Return the major version of PostgreSQL in an image.

    Raises:
        UserError: the image cannot be asked.
    """
    said = _run(image, "postgres", "--version")
    if found := re.search(r"\s(\d+)[.\d]*", said):
        return int(found[1])
    raise UserError(f"{image} is not PostgreSQL's image.", f"it says: {said.strip()}.", "see images.postgres.")


def require_fit(
    versions: Versions, postgres_image: str, control_image: str, mlflow_image: str, environment: str
) -> None:
    """Refuse databases that are of a later version than what would read them.

    Raises:
        UserError: PostgreSQL, Dagster, MLflow or a schema here is older than the backup's.
    """
    settings = f"deploy/environments/{environment}.settings.toml"
    if (major := find_postgresql(postgres_image)) < versions.postgresql:
        raise UserError(
            f"{environment} cannot take this backup.",
            f"it was made by PostgreSQL {versions.postgresql}, and {postgres_image} is PostgreSQL {major}.",
            f"name an image of PostgreSQL {versions.postgresql} or later as images.postgres in {settings}.",
        )
    for package, image in (("dagster", control_image), ("mlflow", mlflow_image)):
        version, revisions = find_program(package, image)
        written, schema = getattr(versions, package), versions.schemas.get(package)
        if _order(version) < _order(written) or (schema and schema not in revisions):
            raise UserError(
                f"{environment} cannot take this backup.",
                f"its database {package} was written by {package} {written} (schema {schema or 'of no revision'}), "
                f"and {image} has {package} {version}, which does not know that.",
                "check out the commit that the backup was made at (its manifest.json has it) or a later one, "
                "./atoll build, and restore with --built.",
            )


def _run(image: str, program: str, *arguments: str) -> str:
    output = docker("run", "--rm", "--network=none", f"--entrypoint={program}", image, *arguments)
    if output.code:
        raise UserError(
            f"the image {image} cannot be asked for its versions.", f"{last_line(output)}.", f"docker pull {image}"
        )
    return output.stdout


def _order(version: str) -> tuple[int, ...]:
    """Return what two versions are compared by: `1.13.27`, without what may follow."""
    return tuple(int(part) for part in re.findall(r"\d+", version)[:3])
