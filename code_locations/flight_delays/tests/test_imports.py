from atoll.testing import list_domain_modules, list_loaded_modules

HEAVY = ["pandas", "numpy", "scipy", "sklearn", "pyarrow", "pandera", "matplotlib", "mlflow"]


def test_domain_modules_load_without_dagster():
    domain = list_domain_modules("flight_delays")
    loaded = list_loaded_modules("\n".join(f"import {module}" for module in domain))
    assert set(domain) <= loaded
    assert "sklearn" in loaded and "dagster" not in loaded


def test_definitions_load_without_any_data_library():
    loaded = list_loaded_modules("from flight_delays.definitions import defs\ndefs.resolve_asset_graph()")
    assert "dagster" in loaded
    assert loaded & set(HEAVY) == set()
