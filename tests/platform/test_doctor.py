"""`./atoll doctor`: what is wrong, and the one command that mends it."""

import json
from pathlib import Path
from typing import Any

from clone import Clone
from dev import mlflow_group


def findings(clone: Clone, code: int, **environment: str) -> dict[str, dict[str, Any]]:
    finished = clone.atoll("doctor", "--json", **environment)
    assert finished.code == code, finished.text
    return {finding["subject"]: finding for finding in json.loads(finished.stdout)}


def to_mend(found: dict[str, dict[str, Any]]) -> dict[str, str]:
    """Return the commands that mend, but for ports: another program of this machine may have them."""
    return {name: finding["how"] for name, finding in found.items() if finding["how"] and not name.endswith("port")}


def test_a_healthy_checkout_needs_nothing(platform):
    mlflow_group(platform)
    found = findings(platform.clone, 0)
    assert to_mend(found) == {}
    assert found["mlflow server"]["says"] == f"runs at http://127.0.0.1:{platform.mlflow_port}"
    assert platform.page.address in found["platform"]["says"]
    assert found["setting profile"]["says"] == "sample"
    assert found["setting store"]["says"] == str(platform.clone.root / ".atoll" / "store")
    database = platform.clone.root / ".atoll" / "mlflow" / "mlflow.db"
    assert found["setting tracking"]["says"] == f"sqlite:///{database}"
    assert {*platform.clone.locations, "mlflow"} <= set(found)


def test_an_environment_that_is_not_at_its_lock_is_named_with_the_command_that_mends_it(platform):
    clone = platform.clone
    (found,) = clone.root.glob("code_locations/vehicle_prices/.venv/lib/python*/site-packages/joblib-*.dist-info")
    kept = found.rename(clone.root / ".atoll" / found.name)
    try:
        assert to_mend(findings(clone, 1)) == {"vehicle_prices": "./atoll sync vehicle_prices"}
    finally:
        kept.rename(found)
    assert to_mend(findings(clone, 0)) == {}


def test_a_setting_of_the_wrong_type_is_named_with_where_it_is_set(platform):
    (finding,) = [
        finding
        for finding in findings(platform.clone, 1, ATOLL_PROFILE="nonsense").values()
        if finding["subject"] == "settings"
    ]
    assert "ATOLL_PROFILE" in finding["says"]
    assert finding["how"].startswith("Correct it there: Input should be 'sample' or 'full'")


def test_a_password_of_the_tracking_server_is_not_shown(platform):
    found = findings(platform.clone, 0, ATOLL_TRACKING="https://ada:hunter2@mlflow.example.org")
    assert found["setting tracking"]["says"] == "https://mlflow.example.org"


def test_a_store_that_cannot_be_written_is_named(platform, tmp_path):
    (tmp_path / "file").touch()
    finding = findings(platform.clone, 1, ATOLL_STORE=str(tmp_path / "file" / "store"))["store"]
    assert finding["says"].startswith(f"The store {tmp_path}/file/store cannot be written. NotADirectoryError")
    assert "ATOLL_STORE" in finding["how"]


def test_a_setting_in_the_file_is_read_and_one_that_is_unknown_is_named(platform):
    file = Path(platform.clone.root, "atoll.toml")
    committed = file.read_text()
    try:
        file.write_text('profile = "full"\n')
        assert findings(platform.clone, 0)["setting profile"]["says"] == "full"
        file.write_text('profil = "full"\n')
        assert "`profil` is unknown" in findings(platform.clone, 1)["settings"]["says"]
    finally:
        file.write_text(committed)


def test_what_makes_plain_dagster_go_astray_is_named(platform):
    found = to_mend(findings(platform.clone, 1, DAGSTER_HOME="/somewhere"))
    assert found == {"DAGSTER_HOME": "unset DAGSTER_HOME"}
