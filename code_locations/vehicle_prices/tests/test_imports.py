import pkgutil
import subprocess
import sys

import vehicle_prices

DOMAIN = [
    module.name
    for module in pkgutil.iter_modules(vehicle_prices.__path__)
    if module.name not in ("definitions", "defs")
]
HEAVY = ["pandas", "numpy", "scipy", "sklearn", "pyarrow", "pandera", "matplotlib", "mlflow"]


def loaded_after(statements: str) -> set[str]:
    script = f"{statements}\nimport sys\nprint(*sys.modules)"
    output = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(output.stdout.split())


def test_domain_modules_load_without_dagster():
    loaded = loaded_after("\n".join(f"import vehicle_prices.{name}" for name in DOMAIN))
    assert {f"vehicle_prices.{name}" for name in DOMAIN} <= loaded
    assert "sklearn" in loaded and "dagster" not in loaded


def test_definitions_load_without_any_data_library():
    loaded = loaded_after("from vehicle_prices.definitions import defs\ndefs.resolve_asset_graph()")
    assert "dagster" in loaded
    assert loaded & set(HEAVY) == set()
