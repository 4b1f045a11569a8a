"""`./atoll models`: what it says before anything was judged and of what was, and a rollback with no page running."""

import pytest

from atoll_control.author import find_author
from clone import Clone

# Two models of weeks, both promoted.
JUDGE = """
from datetime import datetime, timezone

from sklearn.dummy import DummyRegressor

from atoll import settings
from atoll.promotion.registry import Decision, Registry
from atoll.storage.journal import Journal
from atoll.storage.store import Slot, Store
from atoll.storage.values import write

registry = Registry(Journal(settings().store), "full", "flight_delays")
for week, chance, champion in (("2013-03-17", 0.2, None), ("2013-03-24", 0.3, 0.6)):
    guess = DummyRegressor(strategy="constant", constant=chance).fit([[0.0]], [0.0])
    model, _ = write(Store(settings().store), Slot("full", ("flight_delays", "model"), week), guess, {})
    version, before = registry.register(model.folder, model.manifest), registry.champion()
    figures = {"metric": "roc_auc", "challenger": 0.7, "champion": champion}
    figures |= {"gain": 0.1, "gain_low": 0.05, "gain_high": 0.15} if champion else {}
    registry.decide(
        Decision(
            0, "promoted", datetime.now(timezone.utc), week, version.number, before and before.number, version.number,
            f"Promoted: {chance} is the better guess.", figures=figures, asked={"by": "schedule", "name": "weekly"},
        )
    )
"""


@pytest.mark.parametrize(
    ("profile", "how"),
    [
        ("full", "./atoll run aviation_data --full, or name another profile: --profile sample"),
        ("sample", "./atoll run aviation_data, or name another profile: --profile full"),
    ],
)
def test_a_location_without_a_registered_model_is_explained(clone, profile, how):
    refused = clone.atoll("models", "aviation_data", "--profile", profile)
    assert (refused.code, refused.stderr.splitlines()) == (
        2,
        [
            "what: aviation_data has no registered model.",
            f"why:  Nothing has reached the gate yet in the profile {profile}.",
            f"how:  {how}",
        ],
    )


def test_a_rollback_without_a_registered_model_is_explained(clone):
    refused = clone.atoll("models", "rollback", "vehicle_prices", "--to", "1")
    assert (refused.code, refused.stderr.splitlines()) == (
        2,
        [
            "what: vehicle_prices has no registered model.",
            "why:  Nothing has reached the gate yet in the profile full.",
            "how:  ./atoll run vehicle_prices --full",
        ],
    )


def test_an_unknown_location_is_explained(clone):
    refused = clone.atoll("models", "ships")
    assert (refused.code, refused.stderr.splitlines()[0]) == (2, "what: there is no code location ships.")


@pytest.fixture
def judged(idle_clone: Clone, tmp_path, monkeypatch) -> Clone:
    """A clone in which nothing runs, with two versions of `flight_delays` in a store of their own."""
    folder = idle_clone.root / "code_locations" / "flight_delays"
    environment = {"ATOLL_STORE": str(tmp_path / "store")}
    done = idle_clone.run(folder / ".venv" / "bin" / "python", "-c", JUDGE, cwd=folder, **environment)
    assert done.code == 0, done.text
    return Clone(idle_clone.root, idle_clone.environment | environment)


def test_versions_and_decisions_are_listed_and_a_rollback_without_mlflow_works_and_says_so(judged):
    listed = judged.atoll("models", "flight_delays", "--profile", "full")
    assert listed.code == 0, listed.text
    lines = [" ".join(line.split()) for line in listed.stdout.splitlines()]
    assert lines[0] == "flight_delays (full)"
    (first,) = [line for line in lines if line.startswith("1 2013-03-17 ")]
    assert first.endswith(" roc_auc 0.7 promoted")
    (second,) = [line for line in lines if line.startswith("2 champion challenger 2013-03-24 ")]
    assert second.endswith(" roc_auc 0.7 0.6 +0.1 +0.05 to +0.15 promoted")
    assert lines[-1].endswith(" version 2 promoted schedule weekly Promoted: 0.3 is the better guess.")

    tried = judged.atoll("models", "rollback", "flight_delays", "--dry-run")
    assert tried.text.endswith(
        "would make version 1 (trained for 2013-03-17) champion of flight_delays; now it is version 2\n"
    )
    back = judged.atoll("models", "rollback", "flight_delays", "--why", "complaints")
    assert back.code == 0, back.text
    assert "version 1 (trained for 2013-03-17) is champion of flight_delays; before it was version 2" in back.text
    assert "MLflow does not run: its alias follows when ./atoll dev does" in back.text
    listed = judged.atoll("models", "flight_delays", "--profile", "full")
    who = find_author(judged.checkout)
    told = f" rolled back command {who} Rolled back from version 2 to version 1 by {who}: complaints."
    assert " ".join(listed.stdout.splitlines()[-1].split()).endswith(told)
