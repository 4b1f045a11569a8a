import json
import math
import threading
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path

import pytest

from atoll import UserError
from atoll.storage.formats import File, Json, Pickle


@dataclass
class Model:
    weights: tuple[float, ...]


JSON_VALUES = [None, True, 0, -5, 10**30, 1.5, 1e-300, "", "ä\ud800\n", [], {}, {"a": [1, {"b": None}]}]
OTHER_VALUES = [
    (1, 2),
    {1: "a"},
    {"a": {1, 2}},
    b"bytes",
    math.inf,
    [-math.inf],
    Model((1.0, 2.0)),
    OrderedDict(a=1),
    {"nested": [(1,)]},
]


def store(form, value, folder):
    content = form.dump(value)
    content.write(folder / content.name)
    return content, form.load(folder / content.name)


@pytest.mark.parametrize("value", JSON_VALUES, ids=repr)
def test_what_json_can_hold_comes_back(value, tmp_path):
    assert Json().holds(value)
    loaded = store(Json(), value, tmp_path)[1]
    assert loaded == value
    assert type(loaded) is type(value)


@pytest.mark.parametrize("value", OTHER_VALUES, ids=repr)
def test_what_json_would_change_is_pickled_and_comes_back(value, tmp_path):
    assert not Json().holds(value)
    loaded = store(Pickle(), value, tmp_path)[1]
    assert loaded == value
    assert type(loaded) is type(value)


def test_nan_is_pickled_so_that_every_json_file_is_json(tmp_path):
    assert not Json().holds({"mae": math.nan})
    assert math.isnan(store(Pickle(), {"mae": math.nan}, tmp_path)[1]["mae"])


def test_a_value_that_contains_itself_is_no_json():
    value: list = []
    value.append(value)
    assert not Json().holds(value)


def test_the_file_of_a_json_value_is_json(tmp_path):
    store(Json(), {"a": [1, 2]}, tmp_path)
    assert json.loads((tmp_path / "data.json").read_text()) == {"a": [1, 2]}


def test_the_preview_of_json_is_short():
    assert Json().dump({"a": 1}).preview == '```json\n{\n "a": 1\n}\n```'
    assert len(Json().dump(list(range(100_000))).preview) < 2_100


def test_a_file_is_copied_under_its_own_name(tmp_path):
    source = tmp_path / "model.joblib"
    source.write_bytes(b"weights")
    (tmp_path / "store").mkdir()
    content, loaded = store(File(), source, tmp_path / "store")
    assert content.name == "model.joblib"
    assert loaded == tmp_path / "store" / "model.joblib"
    assert loaded.read_bytes() == b"weights"


@pytest.mark.parametrize(("name", "why"), [("gone", "There is no such file."), ("folder", "It is a folder.")])
def test_a_path_that_is_no_file_is_explained(tmp_path: Path, name, why):
    (tmp_path / "folder").mkdir()
    with pytest.raises(UserError) as caught:
        File().dump(tmp_path / name)
    assert str(caught.value) == (
        f"The file {tmp_path / name} cannot be stored.\n{why}\n"
        "Return the path of one file that exists; pack a folder into an archive first."
    )


@pytest.mark.parametrize("value", [threading.Lock(), lambda: None], ids=["lock", "lambda"])
def test_what_cannot_be_pickled_is_explained(value):
    with pytest.raises(UserError) as caught:
        Pickle().dump(value)
    assert caught.value.what == f"A value of type {type(value).__qualname__} cannot be stored."
    assert caught.value.why.startswith("It cannot be pickled: ")
    assert caught.value.how.startswith("Return a table, a JSON-able value, the path of a file")
