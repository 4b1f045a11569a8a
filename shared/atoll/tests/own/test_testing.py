"""What projects' tests are built with must itself be able to say no."""

from subprocess import CalledProcessError

import pytest

from atoll import settings
from atoll.testing import list_loaded_modules, store_at, train_in_two_processes

DEFINITIONS = """
import os
import dagster as dg
from atoll.io_manager import StoreIOManager

class Training(dg.Config):
    looks_at: str

@dg.asset(key_prefix="dice")
def model(config: Training):
    return os.environ.get(config.looks_at)

@dg.asset_check(asset=model, blocking=True)
def gate():
    raise RuntimeError("training alone was asked for")

defs = dg.Definitions([model], asset_checks=[gate], resources={"io_manager": StoreIOManager()})
"""


def test_two_processes_differ_in_what_must_not_matter_and_in_nothing_else(store_folder, tmp_path, monkeypatch):
    store_folder.mkdir()
    package = tmp_path / "source" / "dice"
    package.mkdir(parents=True)
    (package / "definitions.py").write_text(DEFINITIONS)
    monkeypatch.setenv("PYTHONPATH", str(package.parent))
    variables = ["ATOLL_PROFILE", "PYTHONHASHSEED", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"]
    configurations = [{"looks_at": name} for name in variables]
    one, other = train_in_two_processes("dice/model", configurations, tmp_path / "copies")
    assert [first == second for first, second in zip(one, other, strict=True)] == [True, False, False, False]


def test_a_process_that_fails_is_an_error(store_folder, tmp_path, monkeypatch):
    store_folder.mkdir()
    (tmp_path / "dagster.py").write_text("raise SystemExit(3)")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with pytest.raises(CalledProcessError, match="exit status 3"):
        train_in_two_processes("dice/model", [{}], tmp_path / "copies")


def test_settings_are_as_before_also_when_a_test_fails(store_folder, tmp_path):
    before = settings()
    with pytest.raises(ZeroDivisionError), store_at(tmp_path / "other"):
        assert settings().store == str(tmp_path / "other") and settings().sample
        _ = 1 / 0
    assert settings() == before


def test_modules_are_those_of_a_new_process():
    loaded = list_loaded_modules("import colorsys")
    assert "colorsys" in loaded and "pytest" not in loaded
