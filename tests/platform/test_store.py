"""`./atoll store`, and what a script or a notebook loads."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from clone import Clone


@pytest.fixture(scope="module")
def manifest(clone: Clone, headless_run: dict[str, Any]) -> dict[str, Any]:
    """What `show` says of the vehicles that the headless run made."""
    made = clone.atoll("run", "vehicle_prices", "--select", "listings,vehicles", "--json")
    assert made.code == 0, made.text
    shown = clone.atoll("store", "show", "vehicle_prices/vehicles", "--json")
    assert shown.code == 0, shown.text
    found = json.loads(shown.stdout)
    assert found["manifest"]["run_id"] == json.loads(made.stdout)["run_id"]
    return found


@pytest.fixture
def damaged(clone: Clone, manifest: dict[str, Any]) -> Iterator[Path]:
    """The file of the vehicles with one bit flipped; as it was, afterwards."""
    path = Path(manifest["place"])
    content, mode = path.read_bytes(), path.stat().st_mode
    path.chmod(0o644)
    path.write_bytes(content[:100] + bytes([content[100] ^ 1]) + content[101:])
    yield path
    path.write_bytes(content)
    path.chmod(mode)


def test_what_is_current_is_listed(clone, manifest):
    listed = clone.atoll("store", "ls", "vehicle_prices", "--profile", "sample", "--json")
    assert listed.code == 0, listed.text
    rows = {row["asset"]: row for row in json.loads(listed.stdout)}
    assert {"vehicle_prices/listings", "vehicle_prices/vehicles", "vehicle_prices/model"} <= rows.keys()
    assert rows["vehicle_prices/vehicles"]["data_version"] == manifest["manifest"]["data_version"]
    table = clone.atoll("store", "ls", "vehicle_prices")
    assert "vehicle_prices/vehicles" in table.stdout


def test_an_artefact_says_what_it_was_made_by_and_from(clone, manifest):
    facts = manifest["manifest"]
    listings = json.loads(clone.atoll("store", "show", "vehicle_prices/listings", "--json").stdout)["manifest"]
    assert facts["inputs"] == {"vehicle_prices/listings": {"all": listings["data_version"]}}
    assert facts["commit"].startswith(clone.run("git", "rev-parse", "HEAD").stdout.strip())
    assert facts["packages"]["pandas"].startswith("1.5")
    assert manifest["preview"]["columns"]


def test_a_flipped_bit_is_found_and_named(clone, damaged):
    found = clone.atoll("store", "verify", "vehicle_prices/vehicles")
    assert found.code == 1, found.text
    assert damaged.name in found.stdout.replace("\n", "")
    assert clone.atoll("store", "verify", "vehicle_prices/listings").code == 0


def test_what_is_whole_passes(clone, manifest):
    verified = clone.atoll("store", "verify")
    assert (verified.code, verified.stderr.strip()) == (0, "✓ the store holds what was written")


def test_a_script_of_another_project_loads_a_table_by_its_key(clone, manifest):
    python = clone.root / "code_locations" / "product_recommendations" / ".venv" / "bin" / "python"
    script = "import atoll; table = atoll.load('vehicle_prices/vehicles'); print(type(table).__module__, len(table))"
    done = clone.run(python, "-c", script)
    assert done.code == 0, done.text
    assert done.stdout.split()[0].startswith("pandas")
    assert int(done.stdout.split()[-1]) == manifest["manifest"]["rows"]


def test_what_is_not_there_is_explained(clone, manifest):
    refused = clone.atoll("store", "show", "vehicle_prices/ships")
    assert refused.code == 2
    assert refused.stderr.startswith("what: vehicle_prices/ships cannot be loaded.\nwhy:  It was never materialized")
