from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

QUIET = {"telemetry": {"enabled": False}, "python_logs": {"python_log_level": "WARNING"}}


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
