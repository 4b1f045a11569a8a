import json

import pytest

from atoll.commands import inspection
from atoll.storage.store import Slot, Store
from atoll.storage.tables import ArrowTable


@pytest.fixture
def inspect(store_folder, monkeypatch, capsys):
    """Run the module's command line, and return exit code and what it printed."""

    def run(*arguments: str):
        monkeypatch.setattr("sys.argv", ["inspection", *arguments])
        code = inspection.main()
        return code, json.loads(capsys.readouterr().out)

    return run


def put_table(folder, rows: int = 3, slot: Slot = Slot("sample", ("toy", "prices"))):  # noqa: B008
    import pyarrow as pa

    content = ArrowTable().dump(pa.table({"price": list(range(rows)), "make": ["a|b"] * rows}))
    facts = {"format": "arrow", "rows": rows, "columns": content.columns, "data_version": content.version()}
    return Store(str(folder)).put(slot, content.name, content.write, facts)


def test_what_is_current_is_listed(inspect, store_folder):
    put_table(store_folder)
    current = put_table(store_folder, 5)
    put_table(store_folder, slot=Slot("full", ("cars", "prices"), "2013-03-01"))
    code, found = inspect("ls", "toy")
    assert code == 0
    assert found == [
        {
            "asset": "toy/prices",
            "partition": None,
            "profile": "sample",
            "format": "arrow",
            "rows": 5,
            "size": current.size,
            "created": str(current.manifest.created),
            "data_version": current.manifest.data_version,
        }
    ]
    assert [row["asset"] for row in inspect("ls", "--profile", "full")[1]] == ["cars/prices"]
    assert len(inspect("ls")[1]) == 2


def test_one_artefact_is_shown_with_its_versions_and_first_rows(inspect, store_folder):
    first = put_table(store_folder)
    second = put_table(store_folder, 50)
    code, found = inspect("show", "toy/prices")
    assert code == 0
    assert found["manifest"]["checksum"] == second.manifest.checksum
    assert found["place"] == str(store_folder / second.path)
    assert [(version["rows"], version["current"]) for version in found["versions"]] == [(50, True), (3, False)]
    assert found["versions"][1]["data_version"] == first.manifest.data_version
    assert found["preview"] == {"columns": ["price", "make"], "rows": [[str(n), "a|b"] for n in range(10)]}


def test_what_is_no_table_has_no_preview(inspect, store_folder):
    slot = Slot("sample", ("toy", "model"), "x")
    Store(str(store_folder)).put(slot, "m.bin", lambda path: path.write_bytes(b"x"), {})
    assert inspect("show", "toy/model", "--partition", "x")[1]["preview"] is None


def test_what_is_not_there_is_explained(inspect):
    code, found = inspect("show", "toy/prices")
    assert code == 2
    assert found["what"] == "toy/prices cannot be loaded."
    assert found["how"] == "Materialize it first: ./atoll run toy --select prices"


def test_faults_and_leftovers_are_told(inspect, store_folder):
    assert inspect("verify") == (0, [])
    artefact = put_table(store_folder)
    leftover = put_table(store_folder)
    put_table(store_folder)
    (store_folder / leftover.folder / "manifest.json").unlink()
    (store_folder / artefact.path).unlink()
    code, found = inspect("verify")
    assert code == 0
    assert [(fault["path"], fault["leftover"]) for fault in found] == [
        (str(store_folder / artefact.path), False),
        (str(store_folder / leftover.folder), True),
    ]
    assert set(found[0]) == {"path", "what", "how", "leftover"}
    assert inspect("verify", "cars") == (0, [])
