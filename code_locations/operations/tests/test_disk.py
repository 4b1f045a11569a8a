import os
import shutil

import dagster as dg
import pytest
from upath import UPath

from operations.defs.disk import judge
from operations.disk import GB, FileSystem, find_places, measure_room, measure_use


def test_files_count_with_their_blocks_and_links_once(tmp_path):
    (tmp_path / "a" / "deep").mkdir(parents=True)
    (tmp_path / "a" / "deep" / "file").write_bytes(b"x" * 100_000)
    os.link(tmp_path / "a" / "deep" / "file", tmp_path / "a" / "again")
    (tmp_path / "a" / "gone").symlink_to("/nowhere")
    used = measure_use({"a": [tmp_path / "a"], "twice": [tmp_path / "a", tmp_path / "a"], "none": [tmp_path / "no"]})
    assert 100_000 <= used["a"] < 110_000
    assert used["twice"] == used["a"] and used["none"] == 0


def test_a_store_behind_a_url_is_measured_and_has_no_room(tmp_path):
    store = UPath("memory://bucket/prefix")
    (store / "file").write_bytes(b"x" * 1234)
    places = find_places(tmp_path, "memory://bucket/prefix")
    assert measure_use(places)["store"] == 1234
    assert all("store" not in system.parts for system in measure_room(places))


def test_room_is_that_of_the_file_system_also_where_the_folder_is_not_there_yet(tmp_path):
    (system,) = measure_room(find_places(tmp_path, str(tmp_path / "not" / "there")))
    assert system.parts == ("store", "runs database", "compute logs")
    assert system.total == shutil.disk_usage(tmp_path).total
    assert 0 < system.free < system.total


def test_environments_are_those_of_the_control_plane_and_of_every_project(tmp_path):
    for folder in (".venv", "code_locations/flight_delays/.venv", "shared/atoll/.venv"):
        (tmp_path / folder).mkdir(parents=True)
    found = find_places(tmp_path, "store")["environments"]
    assert [str(path.relative_to(tmp_path)) for path in found] == [
        ".venv",
        "code_locations/flight_delays/.venv",
        "shared/atoll/.venv",
    ]


@pytest.mark.parametrize(
    ("free", "total", "passed", "severity"),
    [(50, 100, True, "WARN"), (9.9, 50, False, "WARN"), (19, 200, False, "WARN"), (1.9, 10, False, "ERROR")],
)
def test_the_check_warns_when_room_is_scarce_and_fails_when_there_is_hardly_any(free, total, passed, severity):
    roomy = FileSystem(("environments",), 500 * GB, 1000 * GB)
    result = judge([roomy, FileSystem(("store",), int(free * GB), total * GB)])
    assert (result.passed, result.severity) == (passed, dg.AssetCheckSeverity[severity])
    assert passed or result.description == f"{free:.1f} GB are free for store."
