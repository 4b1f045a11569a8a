"""What is made by itself when weeks arrive: the conditions evaluated as the daemon does, while runs go on too."""

import dagster as dg
import made_up
import pytest
from materializing import ARRIVING, MODELS, REFERENCE, WEEKLY, make, receive

from atoll.testing import store_at
from flight_delays import features, future, outcomes
from flight_delays.definitions import defs

OWN = [asset for asset in defs.resolve_asset_graph().assets_defs if asset.is_executable]
GRAPH = dg.Definitions(assets=[*OWN, *REFERENCE, *ARRIVING], resources=defs.resources)

# The model is what retraining asks for.
ASKED = [name for name in MODELS if name != "model"]

Asked = list[tuple[str | None, list[str]]]


class Daemon:
    """Looks at the conditions, and makes what they ask for, one run after the other."""

    def __init__(self, instance: dg.DagsterInstance) -> None:
        self.instance = instance
        self.cursor = None
        self.waiting: Asked = []

    def look(self) -> None:
        result = dg.evaluate_automation_conditions(defs=GRAPH, instance=self.instance, cursor=self.cursor)
        self.cursor = result.cursor
        asked: dict[tuple[str, str | None], list[str]] = {}
        for entry in result.results:
            name = entry.key.path[-1]
            if entry.true_subset.is_empty:
                continue
            weeks = [None] if name == "year" else sorted(entry.true_subset.expensively_compute_partition_keys())
            for week in weeks:
                asked.setdefault(("models" if name in ASKED else "weekly", week), []).append(name)
        self.waiting += [(week, sorted(names)) for (_, week), names in asked.items()]

    def rest(self) -> Asked:
        """Make what is asked for until nothing is; return it, in order."""
        done = []
        self.look()
        while self.waiting:
            week, names = self.waiting.pop(0)
            make(names, week, self.instance)
            done.append((week, names))
            self.look()
        return done


@pytest.fixture
def daemon(tmp_path):
    with store_at(tmp_path), dg.DagsterInstance.ephemeral() as instance:
        receive(None, instance)
        found = Daemon(instance)
        assert found.rest() == []
        yield found


def weekly(week: str) -> Asked:
    return [(week, sorted(WEEKLY))]


def everything(week: str) -> Asked:
    return [*weekly(week), (week, sorted(ASKED)), (None, ["year"])]


@pytest.fixture
def look_during_runs(daemon, monkeypatch):
    def watch(module, name):
        original = getattr(module, name)

        def watched(*arguments):
            daemon.look()
            return original(*arguments)

        monkeypatch.setattr(module, name, watched)

    for module, name in [
        (made_up, "flights"),
        (made_up, "weather"),
        (features, "build_features"),
        (outcomes, "label_flights"),
        (outcomes, "join_outcomes"),
        (future, "describe_leaks"),
    ]:
        watch(module, name)


def test_weeks_arrive_in_order_late_and_corrected_and_each_is_made_once(daemon, weeks):
    receive(weeks[9], daemon.instance)
    assert daemon.rest() == weekly(weeks[9])
    for week in (weeks[11], weeks[10]):
        receive(week, daemon.instance)
        assert daemon.rest() == everything(week)
    receive(weeks[9], daemon.instance)
    assert daemon.rest() == weekly(weeks[9])


def test_a_look_in_the_middle_of_a_run_asks_for_nothing_twice(daemon, weeks, look_during_runs):
    receive(weeks[9], daemon.instance)
    assert daemon.rest() == weekly(weeks[9])
    for _ in ("arrived", "corrected"):
        receive(weeks[10], daemon.instance)
        assert daemon.rest() == everything(weeks[10])


def test_a_week_whose_check_failed_stops_there_also_after_later_weeks_passed(daemon, weeks, monkeypatch):
    for week in weeks[9:11]:
        receive(week, daemon.instance)
        daemon.rest()
    honest = features.build_features

    def leak(flights, *others):
        delay = flights["dep_delay"].fillna(0).clip(0, 900)
        return honest(flights, *others).assign(plane_seats=1 + delay.to_numpy())

    with monkeypatch.context() as patch:
        patch.setattr(features, "build_features", leak)
        receive(weeks[11], daemon.instance)
        assert daemon.rest() == weekly(weeks[11])
    receive(weeks[12], daemon.instance)
    assert daemon.rest() == everything(weeks[12])
