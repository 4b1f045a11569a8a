"""A process that is killed while a model is judged, at every step, and started again."""

import itertools
import os
import signal
import sys
from dataclasses import replace
from datetime import datetime, timezone

import numpy as np
import pandas as pd
import pytest

from atoll.promotion.contest import Contest
from atoll.promotion.gate import Gate
from atoll.promotion.registry import FULL, Registry, list_pending
from atoll.storage.journal import Journal
from atoll.storage.store import Slot, Store
from atoll.storage.values import write

FACTS = {"packages": {"pandas": "3.0.0"}}
CONTEST = Contest(Gate("neg_mean_absolute_error"), truth="price", baseline="guess")
WRITES = {"open", "os.link", "os.rename", "os.mkdir", "os.remove"}


class Guess:
    """A model that adds a constant to the truth."""

    def __init__(self, error):
        self.error = error

    def predict(self, rows):
        return rows["price"] + self.error * rows["sign"]


def promote(folder, week, error):
    """Store a model, judge it and make it champion if it is better, as a run does."""
    store = Store(str(folder))
    registry = Registry(Journal(str(folder)), FULL, "prices")
    draw = np.random.default_rng(1)
    rows = pd.DataFrame({"price": draw.normal(20, 5, 400), "guess": 20.0, "sign": draw.choice([0.9, 1.0, 1.1], 400)})
    held_out, _ = write(store, Slot(FULL, ("prices", "held_out"), week), rows, FACTS)
    challenger, _ = write(store, Slot(FULL, ("prices", "model"), week), Guess(error), FACTS)
    return CONTEST.hold(store, registry, challenger, held_out, [], {"by": "schedule"})


def promote_and_die(folder, moment, week, error):
    """Do so in a process that is killed before its write of this number; say whether it was."""
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
    calls = itertools.count()

    def watch(event, arguments):
        writes = event in WRITES and str(folder) in str(arguments[0])
        if writes and not (event == "open" and arguments[1] == "r") and next(calls) == moment:
            os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(watch)
    promote(folder, week, error)
    os._exit(0)


def tell(folder):
    """What the registry says, without the time."""
    registry = Registry(Journal(str(folder)), FULL, "prices")
    then = datetime(2013, 3, 10, tzinfo=timezone.utc)
    versions = [(version.number, version.manifest.data_version) for version in registry.versions()]
    decisions = []
    for decision in registry.decisions():
        figures = {name: value for name, value in decision.figures.items() if name not in ("latency", "conditions")}
        decisions.append(replace(decision, time=then, figures=figures))
    pending = list_pending(Journal(str(folder)))
    return versions, decisions, pending, registry.champion().manifest.data_version


@pytest.mark.parametrize("week", ["2013-03-17", None])
def test_killed_at_any_step_and_started_again_it_ends_the_same(tmp_path, week):
    first = None if week is None else "2013-03-10"
    whole = tmp_path / "whole"
    promote(whole, first, 3.0)
    promote(whole, week, 1.0)
    kills = 0
    for moment in range(200):
        folder = tmp_path / str(moment)
        promote(folder, first, 3.0)
        killed = promote_and_die(folder, moment, week, 1.0)
        promote(folder, week, 1.0)
        assert tell(folder) == tell(whole), moment
        if not killed:
            break
        kills += 1
    assert kills > 15
