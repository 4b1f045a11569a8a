"""What all tests share: settings of their own, a store of their own, and tables of what is installed."""

import gc
import os
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from alembic.script import ScriptDirectory

from atoll import settings

os.environ["DAGSTER_DISABLE_TELEMETRY"] = "yes"


def pytest_collection_finish() -> None:
    """Let what is imported, which stays, not be looked through again each time garbage is collected."""
    gc.collect()
    gc.freeze()


def make_pandas() -> Any:
    import pandas as pd

    return pd.DataFrame({"price": [1.5, None, 3.0], "make": ["vw", "a|b", None], "sold": [True, False, True]})


def make_polars() -> Any:
    import polars as pl

    return pl.DataFrame({"price": [1.5, None, 3.0], "make": ["vw", "a|b", None], "sold": [True, False, True]})


def make_arrow() -> Any:
    import pyarrow as pa

    return pa.table({"price": [1.5, None, 3.0], "make": ["vw", "a|b", None], "sold": [True, False, True]})


VERSIONS = {
    "table": "67925e9aa22a8fbf4d5160982f1988929417e811825851d17ca33038447d387f",
    "int": "31c668f0c675b6e7407b8f1730230f5da6af69e0874381dd4102462c15ceabc7",
    "small": "1cc157845e4d523aa465637c8a7b41407a67de96711bf59f887f9e9c13b5eed6",
    "float": "5a7e4e56e4f7d7ec5421a34ef05d51f133fc65cfcb196d7f2e77166896b6d004",
    "bool": "b71032482aa45c4c403e5246dc56e55a0a204109d54d25daca53a202ac85c228",
    "text": "dd4678e232ca375bb255b2cb8614aa6e1d6f466d71e2f1970351e60f0395c1e1",
    "bytes": "f1bae344ef6d00de5c139a7a48c0f93123c3ff966ca98c865787744af86e6840",
    "day": "127ebcf7998c7996445239997a2bf9d7f8a8dcce429d954550fd28137b063182",
    "moment": "d6650829c58cf4dc91249f5cdb8bd303e4c395270e2da8ccf1aca9a4055f5515",
    "zone": "6e06ed6d0bbc1e9eed3e339ca4b206ea588082e61a9490ed4d5b55a68ad330a8",
    "nanoseconds": "a0078987c6a1e88ae3524adfff8d9113f2af1555ed88b7789f62a1e3a70c9a2e",
    "took": "e504ec00b33f968fe61851aa3e6691e5fb409590958028dd993c1ef02897988d",
    "time": "50efd45e64428acda42868cba30849b30bcf9c9c8fa7817e98b5a15337e61d1d",
    "decimal": "38ba45fd9619e8808bc99786656ff99ac38cd8b0b34aed61af46a1198a7c9627",
    "category": "c78c969cf505b3eb12186929d54aea264c38fd2b8b9f98de504bbce841091f9a",
    "ordered": "8c60136156131ee882ad6de620435f20cb553b79f02a1bb12cd12f5d627262e3",
    "list": "c8b61e1e4be64366b5387f5777526d1387bb605ad9a714b089edb73c010ec4e9",
    "struct": "0110a596b63016f45571eb5a10a791e766a180d245c4d08ba89f773ca4db373a",
    "two": "f4d8781d32f8fa54d98e8e25a58582cc388798d6e4800897517e89d23f9e6fbe",
}

TABLES = {"pandas": make_pandas, "polars": make_polars, "pyarrow": make_arrow}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give ``table`` one table of each library that is installed."""
    if "table" in metafunc.fixturenames:
        found = {name: make for name, make in TABLES.items() if find_spec(name)}
        metafunc.parametrize("table", [make() for make in found.values()], ids=list(found))


@pytest.fixture(scope="session", autouse=True)
def migrations() -> Iterator[None]:
    """Dagster's migrations are read once, not for every database of an instance."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ScriptDirectory, "from_config", cache(ScriptDirectory.from_config))
        yield


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


@pytest.fixture
def known_versions() -> dict[str, str]:
    """Data versions of ``table`` and of small tables with a column ``x``, whatever library holds them."""
    return VERSIONS
