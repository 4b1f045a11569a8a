import pkgutil
import subprocess
import sys

import aviation_data

DOMAIN = [
    module.name for module in pkgutil.iter_modules(aviation_data.__path__) if module.name not in ("definitions", "defs")
]
HEAVY = ["polars", "pandas", "numpy", "pyarrow", "pandera"]


def loaded_after(statements: str) -> set[str]:
    script = f"{statements}\nimport sys\nprint(*sys.modules)"
    output = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(output.stdout.split())


def test_domain_modules_load_without_dagster():
    loaded = loaded_after("\n".join(f"import aviation_data.{name}" for name in DOMAIN))
    assert {f"aviation_data.{name}" for name in DOMAIN} <= loaded
    assert "polars" in loaded and "dagster" not in loaded


def test_definitions_load_and_sensors_look_without_any_data_library():
    load = "from aviation_data.definitions import defs\ndefs.resolve_asset_graph()"
    look = "from aviation_data.defs import arrivals\nassert arrivals.find_weeks() and arrivals.find_reference()"
    loaded = loaded_after(f"{load}\n{look}")
    assert "dagster" in loaded
    assert loaded & set(HEAVY) == set()
