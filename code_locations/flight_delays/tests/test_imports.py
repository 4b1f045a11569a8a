import pkgutil
import subprocess
import sys

import flight_delays

DOMAIN = [
    module.name for module in pkgutil.iter_modules(flight_delays.__path__) if module.name not in ("definitions", "defs")
]
HEAVY = ["pandas", "numpy", "scipy", "sklearn", "pyarrow", "pandera", "matplotlib", "mlflow"]


def loaded_after(statements: str) -> set[str]:
    script = f"{statements}\nimport sys\nprint(*sys.modules)"
    output = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(output.stdout.split())


def test_domain_modules_load_without_dagster():
    loaded = loaded_after("\n".join(f"import flight_delays.{name}" for name in DOMAIN))
    assert {f"flight_delays.{name}" for name in DOMAIN} <= loaded
    assert "sklearn" in loaded and "dagster" not in loaded


def test_definitions_load_without_any_data_library():
    loaded = loaded_after("from flight_delays.definitions import defs\ndefs.resolve_asset_graph()")
    assert "dagster" in loaded
    assert loaded & set(HEAVY) == set()
