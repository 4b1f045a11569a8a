import dagster as dg
import pytest

from atoll import UserError
from atoll.commands.selection import plan_runs, select

WEEKS = dg.StaticPartitionsDefinition(["2013-01-06", "2013-01-13", "2013-01-20"])
MAKES = dg.DynamicPartitionsDefinition(name="makes")


@dg.asset(key_prefix="toy", group_name="data")
def raw():
    return 1


@dg.asset(key_prefix="toy", ins={"x": dg.AssetIn(["toy", "raw"])})
def model(x):
    return x


@dg.asset(key_prefix=["toy", "deep"], ins={"x": dg.AssetIn(["toy", "model"])})
def report(x):
    return x


@dg.asset(key_prefix="toy", partitions_def=WEEKS)
def weekly():
    return 1


@dg.asset(key_prefix="toy", partitions_def=dg.StaticPartitionsDefinition(["2013-01-13", "2013-01-20"]))
def later():
    return 1


@dg.asset(key_prefix="toy", partitions_def=MAKES)
def by_make():
    return 1


DEFS = dg.Definitions(assets=[raw, model, report, weekly, later, by_make, dg.AssetSpec("elsewhere/flights")])
ALL = ["toy/by_make", "toy/deep/report", "toy/later", "toy/model", "toy/raw", "toy/weekly"]
CHAIN = ["toy/deep/report", "toy/model", "toy/raw"]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("*", ALL),
        ("model", ["toy/model"]),
        ("toy/model", ["toy/model"]),
        ("deep/report", ["toy/deep/report"]),
        ("deep/*", ["toy/deep/report"]),
        ("1+deep/*", ["toy/deep/report", "toy/model"]),
        ("raw, model", ["toy/model", "toy/raw"]),
        ("*deep/report", CHAIN),
        ("raw*", CHAIN),
        ("+model", ["toy/model", "toy/raw"]),
        ("1+deep/report", ["toy/deep/report", "toy/model"]),
        ("+deep/report", CHAIN),
        ("raw+", CHAIN),
        ("group:data", ["toy/raw"]),
        ('key:"toy/raw"', ["toy/raw"]),
        ('+key:"toy/deep/report"', CHAIN),
        ("model or raw", ["toy/model", "toy/raw"]),
        ("* and not weekly", [key for key in ALL if key != "toy/weekly"]),
    ],
)
def test_a_selection_is_resolved_with_or_without_the_locations_prefix(text, found):
    assert sorted(key.to_user_string() for key in select(DEFS, text)) == found


@pytest.mark.parametrize(("text", "part"), [("nope", "nope"), ("raw,nope", "nope"), ("elsewhere/flights",) * 2])
def test_a_selection_of_nothing_is_explained(text, part):
    with pytest.raises(UserError) as caught:
        select(DEFS, text)
    assert str(caught.value) == (
        f"The selection `{part}` is empty.\n"
        "The assets are: by_make, deep/report, later, model, raw, weekly.\n"
        "Select such as `model`, `+model` (with all upstream), `features+` (with all downstream)"
        " or `*`."
    )


@pytest.mark.parametrize("text", ["((", "", "model and", "nonsense:x"])
def test_a_selection_that_cannot_be_read_is_explained(text):
    with pytest.raises(UserError) as caught:
        select(DEFS, text)
    assert str(caught.value).splitlines()[:2] == [
        f"The selection `{text}` cannot be read.",
        "It is not written in Dagster's syntax of asset selections.",
    ]


def plan(text, partition=None, makes=()):
    with dg.DagsterInstance.ephemeral() as instance:
        instance.add_dynamic_partitions("makes", list(makes))
        runs = plan_runs(DEFS, instance, select(DEFS, text), partition)
    return {run.partition: (sorted(key.path[-1] for key in run.keys), run.tags) for run in runs}


def test_a_run_without_partitions_has_no_tags():
    assert plan("raw") == {None: (["raw"], {})}


def test_a_run_for_a_partition_has_dagsters_tag():
    tags = {"dagster/partition": "2013-01-13"}
    assert plan("weekly", "2013-01-13") == {"2013-01-13": (["weekly"], tags)}
    assert plan("weekly,raw", "2013-01-13") == {"2013-01-13": (["raw", "weekly"], tags)}
    assert plan("by_make", "vw", ["vw"]) == {"vw": (["by_make"], {"dagster/partition": "vw"})}


def test_a_range_has_one_run_a_partition_in_order():
    assert list(plan("weekly", "2013-01-06..2013-01-20")) == ["2013-01-06", "2013-01-13", "2013-01-20"]
    assert list(plan("weekly", "2013-01-13..2013-01-13")) == ["2013-01-13"]


def test_a_run_has_the_assets_that_have_its_partition_and_the_last_those_without():
    planned = plan("weekly,later,raw", "2013-01-06..2013-01-20")
    assert {week: names for week, (names, _) in planned.items()} == {
        "2013-01-06": ["weekly"],
        "2013-01-13": ["later", "weekly"],
        "2013-01-20": ["later", "raw", "weekly"],
    }


def test_a_range_backwards_is_explained():
    assert explain("weekly", "2013-01-20..2013-01-06") == [
        "The range 2013-01-20..2013-01-06 is empty.",
        "2013-01-20 comes after 2013-01-06.",
        "Write --partition 2013-01-06..2013-01-20.",
    ]


def explain(*arguments):
    with pytest.raises(UserError) as caught:
        plan(*arguments)
    return str(caught.value).splitlines()


def test_an_unknown_partition_is_explained():
    assert explain("weekly", "2013-01-07") == [
        "There is no partition 2013-01-07.",
        "The asset toy/weekly has partitions: 2013-01-06 to 2013-01-20.",
        "Name one of them, for example --partition 2013-01-20.",
    ]


def test_a_partition_that_is_left_out_is_explained():
    assert explain("weekly")[0] == "A partition must be named."


def test_a_partition_of_assets_without_partitions_is_explained():
    assert explain("raw", "2013-01-06") == [
        "There is no partition 2013-01-06.",
        "No selected asset has partitions.",
        "Leave out --partition.",
    ]


def test_assets_with_different_partitions_are_explained():
    assert explain("*", "2013-01-06", ["vw"]) == [
        "The selected assets cannot be materialized in one run.",
        "They are partitioned in different ways: toy/weekly and toy/by_make.",
        "Select assets with the same partitions, or run one after the other.",
    ]


def test_an_asset_without_any_partition_yet_is_explained():
    assert explain("by_make", "vw") == [
        "There is no partition vw.",
        "The asset toy/by_make has partitions: none yet.",
        "Add a partition first.",
    ]
