"""Weeks of the real year: one whose own model the gate of `flight_delays` promotes, and one whose model it refuses."""

import json
from datetime import date, timedelta
from typing import Any

import pytest

from clone import Clone

# The champion's week, the next one whose own model is promoted, and the one in which retraining did most harm.
WEEKS = FIRST, BETTER, WORSE = "2013-05-05", "2013-05-19", "2013-12-22"

LAND = """
import json, sys
from datetime import date

from atoll import settings
from atoll.storage.store import Slot, Store
from atoll.storage.values import write
from aviation_data.flights import clean_flights
from aviation_data.source import find_source, read_airports, read_flights, read_planes, read_weather
from aviation_data.weather import clean_weather

store, folder = Store(settings().store), find_source()
airports = read_airports(folder)
tables = {("airports", None): airports, ("planes", None): read_planes(folder)}
for week in json.loads(sys.argv[1]):
    first = date.fromisoformat(week)
    tables["flights", week] = clean_flights(read_flights(folder, first), airports)
    tables["weather", week] = clean_weather(read_weather(folder, first))
for (name, week), table in tables.items():
    write(store, Slot("full", ("aviation_data", name), week), table, {})
"""

DECIDE = """
import json, sys
from dataclasses import asdict
from functools import cache

from atoll import load, settings
from atoll.storage.journal import Journal
from atoll.promotion.registry import Registry
from atoll.storage.store import Slot, Store
from atoll.storage.values import write
from flight_delays.baseline import count_rates
from flight_delays.defs.promotion import CONTEST
from flight_delays.features import build_features
from flight_delays.held_out import hold_out
from flight_delays.history import add_weekly_history
from flight_delays.outcomes import join_outcomes, label_flights
from flight_delays.training import make_trainer
from flight_delays.window import join_weeks

store = Store(settings().store)
registry = Registry(Journal(settings().store), "full", "flight_delays")
planes, airports = load("aviation_data/planes"), load("aviation_data/airports")


@cache
def know(week):
    flights, weather = load("aviation_data/flights", week), load("aviation_data/weather", week)
    return build_features(flights, weather, planes, airports), label_flights(flights)


def keep(name, week, value):
    return write(store, Slot("full", ("flight_delays", name), week), value, {})[0]


for week, window in json.loads(sys.argv[1]).items():
    past = add_weekly_history(join_weeks({earlier: join_outcomes(*know(earlier)) for earlier in window}))
    model = make_trainer("gradient_boosting", {}).train(past)
    rows = hold_out(*know(week), past, count_rates(past))
    kept = keep("model", week, model), keep("held_out", week, rows)
    CONTEST.hold(store, registry, *kept, [], {"by": "command"})
decisions = [asdict(decision) for decision in registry.decisions()]
print(json.dumps({decision["partition"]: decision for decision in decisions}, default=str))
"""


@pytest.fixture(scope="module")
def decisions(clone: Clone, tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """What is decided of three weeks, with the functions, the trainer and the gate of the project."""
    windows = {week: [str(date.fromisoformat(week) - timedelta(weeks=n)) for n in range(10, 0, -1)] for week in WEEKS}
    landed = sorted({*windows, *(week for window in windows.values() for week in window)})
    store = str(tmp_path_factory.mktemp("decisions"))
    printed = ""
    for location, script, given in (("aviation_data", LAND, landed), ("flight_delays", DECIDE, windows)):
        folder = clone.root / "code_locations" / location
        command = (folder / ".venv" / "bin" / "python", "-c", script, json.dumps(given))
        done = clone.run(*command, cwd=folder, ATOLL_STORE=store, ATOLL_PROFILE="full")
        assert done.code == 0, done.text
        printed = done.stdout
    return json.loads(printed)


def test_a_model_that_is_better_by_more_than_noise_is_promoted(decisions):
    first, better = decisions[FIRST], decisions[BETTER]
    assert (first["outcome"], first["before"], first["champion"]) == ("promoted", None, 1)
    assert (better["outcome"], better["before"], better["champion"]) == ("promoted", 1, 2)
    figures = better["figures"]
    assert figures["challenger"] == pytest.approx(0.761, abs=0.001)
    assert figures["champion"] == pytest.approx(0.741, abs=0.001)
    assert figures["gain_low"] == pytest.approx(0.004, abs=0.001)


def test_a_model_that_retraining_made_worse_is_refused(decisions):
    worse = decisions[WORSE]
    assert (worse["outcome"], worse["before"], worse["champion"]) == ("refused", 2, 2)
    figures = worse["figures"]
    assert figures["challenger"] == pytest.approx(0.679, abs=0.001)
    assert figures["champion"] == pytest.approx(0.704, abs=0.001)
    assert figures["gain_high"] == pytest.approx(-0.003, abs=0.001)
    failed = [condition["what"] for condition in figures["conditions"] if condition["passed"] is False]
    assert "gain over the champion, lower end" in failed
    assert "whose lower end is not above 0" in worse["reason"]
