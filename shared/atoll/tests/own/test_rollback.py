"""A champion taken back."""

import dagster as dg
import pandas as pd
import pytest
from promoted import (
    FIRST,
    FOURTH,
    SECOND,
    SKILL,
    THIRD,
    Sighted,
    champion,
    find_champion,
    gate_of,
    held_out,
    make,
    make_whole,
    model,
    registry,
    whole_champion,
)

from atoll import UserError, load, settings
from atoll.commands import rollback
from atoll.commands.rollback import roll_back
from atoll.io_manager import StoreIOManager
from atoll.promotion.champion import promotion
from atoll.promotion.contest import Contest
from atoll.promotion.gate import Gate
from atoll.promotion.registry import Registry, list_pending
from atoll.storage.journal import Journal
from atoll.storage.store import Slot, Store

pytestmark = pytest.mark.usefixtures("untrained")


@pytest.fixture(scope="module")
def home_folder(tmp_path_factory):
    return tmp_path_factory.mktemp("home")


@pytest.fixture
def home(home_folder, monkeypatch):
    """The instance on disk that a rollback reports to; its tables are made once."""
    monkeypatch.setenv("DAGSTER_HOME", str(home_folder))


def test_a_champion_is_taken_back_and_the_next_week_is_judged_against_it(home, instance):
    make(instance, FIRST, 0.4)
    make(instance, SECOND, 0.9)
    assert roll_back(registry(), None, "Ada <ada@example.org>", dry_run=True)["decision"] is None
    assert registry().champion().number == 2
    find_champion(instance, THIRD)
    done = roll_back(registry(), None, "Ada <ada@example.org>")
    assert (done["before"], done["champion"], done["trained_for"], done["decision"]) == (2, 1, FIRST, 3)
    decision = list(registry().decisions())[-1]
    assert decision.reason == "Rolled back from version 2 to version 1 by Ada <ada@example.org>."
    assert decision.partition == SECOND
    assert load("delays/champion", SECOND).week == FIRST
    assert load("delays/champion", THIRD).week == SECOND
    with dg.DagsterInstance.get() as reported:
        (seen,) = reported.fetch_observations(champion.key, limit=1).records
    observation = seen.event_log_entry.asset_observation
    assert (observation.partition, observation.metadata["version"].value) == (SECOND, 1)
    assert observation.description == decision.reason
    make(instance, THIRD, 0.8)
    assert load("delays/champion", THIRD).week == FIRST
    assert list(registry().decisions())[-1].before == 1
    assert [name for name, paths in list_pending(Journal(settings().store)).items() if len(paths) == 4] == ["delays"]


def test_a_champion_that_was_taken_back_does_not_return_because_its_week_is_made_again(home, instance):
    make(instance, FIRST, 0.4)
    make(instance, SECOND, 0.9)
    roll_back(registry(), None, "Ada")
    for _ in range(2):
        make(instance, SECOND, 0.9)
    assert [decision.outcome for decision in registry().decisions()][2:] == ["rolled back", "refused"]
    assert find_champion(instance, THIRD) == FIRST


def test_without_partitions_a_rollback_makes_the_champion_that_version_at_once(home, instance):
    make_whole(instance, 0.5)
    make_whole(instance, 0.8)
    prices = Registry(Journal(settings().store), "full", "prices.estimator")
    assert roll_back(prices, None, "Ada")["champion"] == 1
    assert load("prices/champion").skill == 0.5
    with dg.DagsterInstance.get() as reported:
        event = reported.get_latest_materialization_event(whole_champion.key).asset_materialization
    assert event.metadata["version"].value == 1
    assert event.tags["dagster/data_version"] == prices.version(1).manifest.data_version


def test_each_rollback_goes_further_back_and_only_a_person_who_names_a_version_returns_to_it(home, instance):
    for week, skill in ((FIRST, 0.4), (SECOND, 0.6), (THIRD, 0.9)):
        make(instance, week, skill)
    assert [roll_back(registry(), None, "Ada")["champion"] for _ in range(2)] == [2, 1]
    with pytest.raises(UserError) as caught:
        roll_back(registry(), None, "Ada")
    assert (caught.value.what, caught.value.why, caught.value.how) == (
        "delays cannot be rolled back.",
        "Every champion before this one was taken back.",
        "Name a version: ./atoll models rollback delays --model delays --to VERSION",
    )
    assert roll_back(registry(), 3, "Ada")["champion"] == 3
    assert registry().champion().number == 3


def test_the_record_of_a_rollback_says_who_and_why(home, instance):
    make(instance, FIRST, 0.4)
    make(instance, SECOND, 0.9)
    roll_back(registry(), None, "Ada", "it doubled the complaints")
    decision = list(registry().decisions())[-1]
    assert decision.reason == "Rolled back from version 2 to version 1 by Ada: it doubled the complaints."
    assert decision.asked == {"by": "command", "who": "Ada", "reason": "it doubled the complaints"}


def test_a_refusal_after_a_rollback_leaves_the_champion_where_the_person_put_it(home, instance):
    for week, skill in ((FIRST, 0.4), (SECOND, 0.9), (THIRD, 0.3)):
        make(instance, week, skill)
    roll_back(registry(), None, "Ada")
    make(instance, THIRD, 0.2)
    assert [decision.outcome for decision in registry().decisions()][2:] == ["refused", "rolled back", "refused"]
    assert find_champion(instance, FOURTH) == FIRST


@pytest.mark.parametrize("killed_before", [(Registry, "announce"), (rollback, "_place")])
def test_a_rollback_that_was_killed_after_its_decision_is_finished(home, instance, monkeypatch, killed_before):
    make_whole(instance, 0.5)
    make_whole(instance, 0.8)
    prices = Registry(Journal(settings().store), "full", "prices.estimator")
    kill(monkeypatch, killed_before, prices)
    assert load("prices/champion").skill == 0.8
    done = roll_back(prices, 1, "Ada")
    assert (done["before"], done["champion"], done["decision"]) == (2, 1, 3)
    assert load("prices/champion").skill == 0.5
    assert announced(prices) == [1, 2, 3]
    with pytest.raises(UserError):
        roll_back(prices, 1, "Ada")


def test_a_rollback_of_weeks_that_was_killed_after_its_decision_is_finished(home, instance, monkeypatch):
    make(instance, FIRST, 0.4)
    make(instance, SECOND, 0.9)
    kill(monkeypatch, (Registry, "announce"), registry())
    assert announced(registry()) == [1, 2]
    done = roll_back(registry(), 1, "Ada")
    assert (done["before"], done["champion"], done["decision"]) == (2, 1, 3)
    assert announced(registry()) == [1, 2, 3]
    with pytest.raises(UserError):
        roll_back(registry(), 1, "Ada")


def kill(monkeypatch, place, models):
    """Roll back in a process that is killed before this step of it."""
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(*place, lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        roll_back(models, None, "Ada")


def announced(models):
    """The numbers of the decisions that MLflow is to hear of."""
    return [int(path[-11:-5]) for path in list_pending(Journal(settings().store))[models.name]]


def test_a_rollback_holds_when_either_model_is_made_again(home):
    @dg.asset(key_prefix="delays", kinds={"mlflow"})
    def model(held_out):
        return Sighted("all", SKILL["all"])

    @dg.asset(key_prefix="delays", name="held_out")
    def rows():
        return pd.DataFrame({"late": [True, False] * 50, "hint": [1.0, 0.0] * 50, "noise": 0.0, "guess": 0.0})

    gate, champion = promotion(model, rows, Contest(Gate("neg_brier_score"), truth="late", baseline="guess"))
    with dg.DagsterInstance.get() as instance:
        found = []
        for skill in (0.5, 0.9, None, 0.5, 0.9):
            if skill is None:
                roll_back(registry(), None, "Ada")
                continue
            SKILL["all"] = skill
            result = dg.materialize(
                [rows, model, gate, champion], instance=instance, resources={"io_manager": StoreIOManager()}
            )
            found.append((gate_of(result).passed, gate_of(result).description))
    assert found[2:] == [
        (True, "Rolled back from version 2 to version 1 by Ada."),
        (False, "Refused: decision 3 took version 2 back, and only a person returns to it."),
    ]
    assert registry().champion().number == 1


def test_a_version_of_which_nothing_was_decided_is_champion_of_its_own_week(home, instance):
    SKILL[FIRST] = 0.4
    resources = {"io_manager": StoreIOManager()}
    dg.materialize([held_out, model], partition_key=FIRST, instance=instance, resources=resources)
    made = Store(settings().store).get(Slot("full", tuple(model.key.path), FIRST))
    registry().register(made.folder, made.manifest)
    done = roll_back(registry(), 1, "Ada")
    assert (done["before"], done["champion"], done["decision"]) == (None, 1, 1)
    (decision,) = registry().decisions()
    assert (decision.partition, decision.reason) == (FIRST, "Rolled back to version 1 by Ada.")
    assert find_champion(instance, SECOND) == FIRST


@pytest.mark.parametrize(
    ("to", "what", "how"),
    [
        (
            1,
            "Nothing was changed: version 1 of delays is the champion already.",
            "Name another version: ./atoll models delays --profile full",
        ),
        (7, "delays has no version 7.", "See ./atoll models delays --profile full."),
        (
            None,
            "delays cannot be rolled back.",
            "Name a version: ./atoll models rollback delays --model delays --to VERSION",
        ),
    ],
)
def test_a_rollback_that_cannot_be_is_explained(home, instance, to, what, how):
    make(instance, FIRST, 0.4)
    with pytest.raises(UserError) as caught:
        roll_back(registry(), to, "Ada")
    assert (caught.value.what, caught.value.how) == (what, how)
    assert len(list(registry().decisions())) == 1


def test_a_version_that_does_not_load_is_not_rolled_back_to(home, instance, store_folder):
    make(instance, FIRST, 0.4)
    make(instance, SECOND, 0.9)
    (file,) = (store_folder / registry().version(1).artefact).glob("model.zip")
    file.chmod(0o644)
    file.write_bytes(b"damaged")
    with pytest.raises(UserError) as caught:
        roll_back(registry(), 1, "Ada")
    assert caught.value.what == "Nothing was changed: version 1 of delays does not load here."
    assert registry().champion().number == 2
