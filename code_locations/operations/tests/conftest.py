from collections.abc import Iterator
from functools import cache
from pathlib import Path

import dagster as dg
import pytest
from alembic.script import ScriptDirectory

QUIET = {"telemetry": {"enabled": False}, "python_logs": {"python_log_level": "WARNING"}}


@pytest.fixture(scope="session", autouse=True)
def migrations() -> Iterator[None]:
    """Dagster's migrations are read once, not for every database of an instance."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ScriptDirectory, "from_config", cache(ScriptDirectory.from_config))
        yield


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "instance"


def open_instance(folder: str) -> dg.DagsterInstance:
    return dg.DagsterInstance.local_temp(folder, QUIET)


@pytest.fixture
def instance(folder: Path) -> Iterator[dg.DagsterInstance]:
    folder.mkdir()
    with open_instance(str(folder)) as instance:
        yield instance
