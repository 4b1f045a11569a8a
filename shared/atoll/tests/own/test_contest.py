"""What is decided of models in a store, without Dagster."""

import numpy as np
import pandas as pd

from atoll.promotion.contest import Contest
from atoll.promotion.gate import Gate
from atoll.promotion.registry import FULL, Registry
from atoll.storage.journal import Journal
from atoll.storage.store import Slot, Store
from atoll.storage.values import write

CONTEST = Contest(Gate("neg_mean_absolute_error"), truth="price", baseline="guess", slices=["kind"])


class Guess:
    """A model that adds a constant to the truth."""

    def __init__(self, error):
        self.error = error

    def predict(self, rows):
        return rows["price"] + self.error * rows["sign"]


def open_registry(folder):
    return Registry(Journal(str(folder)), FULL, "prices")


def hold(folder, week, error):
    """Store the model and the rows of a week, and judge it."""
    store = Store(str(folder))
    draw = np.random.default_rng(1)
    rows = pd.DataFrame({"price": draw.normal(20, 5, 400), "guess": 20.0, "sign": draw.choice([0.9, 1.0, 1.1], 400)})
    rows["kind"] = pd.Categorical(["jet"] * 400, categories=["jet", "propeller"])
    stored = [
        write(store, Slot(FULL, ("prices", name), week), value, {"packages": {}})[0]
        for name, value in (("model", Guess(error)), ("held_out", rows))
    ]
    return CONTEST.hold(store, open_registry(folder), *stored, [], {"by": "schedule"})


def test_one_model_of_two_weeks_is_one_version_and_each_week_has_its_decision(tmp_path):
    for week, error in (("2013-03-10", 3.0), ("2013-03-24", 1.0), ("2013-03-17", 1.0)):
        hold(tmp_path, week, error)
    assert [
        (decision.partition, decision.challenger, decision.before, decision.champion)
        for decision in open_registry(tmp_path).decisions()
    ] == [("2013-03-10", 1, None, 1), ("2013-03-24", 2, 1, 2), ("2013-03-17", 2, 1, 2)]
    assert open_registry(tmp_path).champion(before="2013-03-24").number == 2


def test_a_slice_that_has_no_row_is_named(tmp_path):
    slices = hold(tmp_path, "2013-03-10", 3.0).figures["slices"]
    assert [(row["value"], row["rows"], row["why"]) for row in slices] == [
        ("jet", 400, "no champion"),
        ("propeller", 0, "fewer than 100 rows: 0"),
    ]
