import pytest

import atoll

HEAVY = ("dagster", "pandas", "polars", "pyarrow", "numpy", "pandera", "upath", "fsspec")


@pytest.mark.parametrize("statement", ["import atoll", "from atoll import logger, settings, UserError"])
def test_importing_brings_neither_dagster_nor_data_libraries(run_python, statement):
    done = run_python("-c", f"{statement}\nimport sys\nprint([name for name in {HEAVY} if name in sys.modules])")
    assert done.stdout == "[]\n", done.stderr


def test_every_public_name_is_listed_and_can_be_had():
    assert set(atoll.__all__) <= set(dir(atoll))
    assert all(callable(getattr(atoll, name)) or name == "logger" for name in atoll.__all__)


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="module 'atoll' has no attribute 'nonsense'"):
        _ = atoll.nonsense
