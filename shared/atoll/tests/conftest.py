"""What all tests share: settings of their own, a store of their own, and tables of what is installed."""

import os
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from atoll import settings

os.environ["DAGSTER_DISABLE_TELEMETRY"] = "yes"


def make_pandas() -> Any:
    import pandas as pd

    return pd.DataFrame({"price": [1.5, None, 3.0], "make": ["vw", "a|b", None], "sold": [True, False, True]})


def make_polars() -> Any:
    import polars as pl

    return pl.DataFrame({"price": [1.5, None, 3.0], "make": ["vw", "a|b", None], "sold": [True, False, True]})


def make_arrow() -> Any:
    import pyarrow as pa

    return pa.table({"price": [1.5, None, 3.0], "make": ["vw", "a|b", None], "sold": [True, False, True]})


TABLES = {"pandas": make_pandas, "polars": make_polars, "pyarrow": make_arrow}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give ``table`` one table of each library that is installed."""
    if "table" in metafunc.fixturenames:
        found = {name: make for name, make in TABLES.items() if find_spec(name)}
        metafunc.parametrize("table", [make() for make in found.values()], ids=list(found))


@pytest.fixture(autouse=True)
def fresh_settings(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Forget the settings of this machine and of the test before."""
    for name in [name for name in os.environ if name.startswith("ATOLL_")]:
        monkeypatch.delenv(name)
    settings.cache_clear()
    yield
    settings.cache_clear()


@pytest.fixture
def store_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the store that the settings name."""
    folder = tmp_path / "store"
    monkeypatch.setenv("ATOLL_STORE", str(folder))
    return folder


Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def run_python(tmp_path: Path) -> Run:
    """Run Python in a process of its own, in ``tmp_path``, with what the test put there importable."""

    def run(*arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, *arguments],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(tmp_path), **environment},
            capture_output=True,
            text=True,
            check=False,
        )

    return run


@pytest.fixture
def location(tmp_path: Path) -> Callable[..., Path]:
    """Write a code location as a package in ``tmp_path``; keyword arguments are the modules of its ``defs``."""

    def write(name: str, **modules: str) -> Path:
        package = tmp_path / name
        (package / "defs").mkdir(parents=True)
        (package / "__init__.py").touch()
        (package / "defs" / "__init__.py").touch()
        (package / "definitions.py").write_text("from atoll import definitions\n\ndefs = definitions(__file__)\n")
        for module, source in modules.items():
            (package / "defs" / f"{module}.py").write_text(textwrap.dedent(source))
        return package

    return write
