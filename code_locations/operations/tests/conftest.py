from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

QUIET = {"telemetry": {"enabled": False}, "python_logs": {"python_log_level": "WARNING"}}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "instance"


@pytest.fixture
def instance(folder: Path) -> Iterator[dg.DagsterInstance]:
    folder.mkdir()
    with dg.DagsterInstance.local_temp(str(folder), QUIET) as instance:
        yield instance
