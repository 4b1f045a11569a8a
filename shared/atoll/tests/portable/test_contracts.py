import json
from datetime import timedelta

import dagster as dg
import pytest

from atoll import UserError
from atoll.contracts import contract_check, publish, take
from atoll.io_manager import StoreIOManager
from atoll.storage.columns import CONTRACT, SCHEMA, compare_columns

WEEKS = dg.WeeklyPartitionsDefinition(start_date="2012-12-30", end_date="2014-01-05", timezone="America/New_York")
COLUMNS = dg.TableSchema([dg.TableColumn("carrier", "large_string"), dg.TableColumn("delay", "double")])


@dg.asset(
    key_prefix="air",
    partitions_def=WEEKS,
    owners=["team:data"],
    metadata={SCHEMA: COLUMNS},
    freshness_policy=dg.FreshnessPolicy.time_window(fail_window=timedelta(days=15), warn_window=timedelta(days=8)),
)
def flights():
    """Flights of a week."""


@dg.asset(key_prefix="air", owners=["team:data"], metadata={SCHEMA: COLUMNS})
def airlines():
    """Airlines."""


@dg.asset(key_prefix="air")
def bare():
    return 1


@dg.asset(
    key_prefix="air",
    partitions_def=dg.DynamicPartitionsDefinition(name="x"),
    owners=["team:data"],
    metadata={SCHEMA: COLUMNS},
)
def dynamic():
    """Partitions that come and go."""


DEFS = dg.Definitions(assets=[flights, airlines, bare, dynamic])
FLIGHTS = {
    "asset": "air/flights",
    "description": "Flights of a week.",
    "owners": ["team:data"],
    "columns": {"carrier": "large_string", "delay": "double"},
    "partitions": {
        "start": "2012-12-30",
        "end": "2014-01-05",
        "format": "%Y-%m-%d",
        "cron_schedule": "0 0 * * 0",
        "timezone": "America/New_York",
    },
    "freshness": {"warn": 691200.0, "fail": 1296000.0},
}


def test_a_contract_says_what_a_borrower_relies_on():
    assert publish(DEFS, "air/flights") == FLIGHTS
    plain = publish(DEFS, "air/airlines")
    assert (plain["partitions"], plain["freshness"]) == (None, None)


@pytest.mark.parametrize(
    ("key", "what"),
    [
        ("air/ships", "air/ships is lent and does not exist."),
        ("air/bare", "air/bare is lent without column_schema and owners and description."),
        ("air/dynamic", "air/dynamic cannot be lent."),
    ],
)
def test_what_cannot_be_lent_is_explained(key, what):
    with pytest.raises(UserError) as caught:
        publish(DEFS, key)
    assert caught.value.what == what


@pytest.fixture
def borrower(tmp_path, monkeypatch):
    """A code location that takes the flights."""
    folder = tmp_path / "borrower" / "contracts" / "air"
    folder.mkdir(parents=True)
    (tmp_path / "borrower" / "__init__.py").touch()
    (folder / "flights.json").write_text(json.dumps(FLIGHTS))
    monkeypatch.syspath_prepend(str(tmp_path))
    return "borrower"


def test_what_is_taken_has_the_producers_partitions_columns_owners_and_description(borrower):
    spec = take("air/flights", borrower)
    assert spec.key == flights.key
    assert spec.partitions_def.get_partition_keys() == WEEKS.get_partition_keys()
    assert len(spec.partitions_def.get_partition_keys()) == 53
    assert (spec.owners, spec.description, spec.group_name) == (["team:data"], "Flights of a week.", "air")
    assert {column.name: column.type for column in spec.metadata[SCHEMA].columns} == FLIGHTS["columns"]
    assert spec.metadata[CONTRACT].value == FLIGHTS


def test_a_contract_that_is_not_there_is_explained(borrower):
    with pytest.raises(UserError) as caught:
        take("air/ships", borrower)
    assert caught.value.what == "There is no contract for air/ships in borrower."
    assert caught.value.how == (
        'Write "air/ships" under takes in [tool.atoll] of pyproject.toml, and run ./atoll sync borrower.'
    )


@pytest.mark.parametrize(
    ("found", "differences"),
    [
        ({"carrier": "large_string", "delay": "double", "more": "bool"}, []),
        ({"carrier": "large_string"}, ["column `delay` is missing"]),
        ({"carrier": "large_string", "delay": "int64"}, ["column `delay` is int64, not double"]),
    ],
)
def test_columns_are_compared_with_what_was_promised(found, differences):
    assert list(compare_columns(FLIGHTS["columns"], found)) == differences


@pytest.mark.parametrize(("columns", "passed"), [(["carrier", "delay"], True), (["carrier"], False)])
def test_a_table_that_breaks_the_contract_fails_its_check(store_folder, columns, passed):
    @dg.asset(key_prefix="air", partitions_def=WEEKS, metadata={SCHEMA: COLUMNS})
    def weekly():
        import pyarrow as pa

        return pa.table({"carrier": ["AA"], "delay": [1.5]}).select(columns)

    result = dg.materialize(
        [weekly, contract_check(weekly)],
        partition_key="2013-03-17",
        resources={"io_manager": StoreIOManager()},
        instance=dg.DagsterInstance.ephemeral(),
        raise_on_error=False,
    )
    (check,) = result.get_asset_check_evaluations()
    assert (check.passed, check.partition) == (passed, "2013-03-17")


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("double", None),
        (
            "int64",
            "air/flights [2013-03-17] is not what its contract promises.\n"
            "column `delay` is double, not int64.\nAsk team:data for it as it was, or see ./atoll check.",
        ),
    ],
)
def test_what_is_taken_is_held_to_its_contract_when_it_is_loaded(store_folder, borrower, tmp_path, kind, error):
    @dg.asset(key_prefix="air", partitions_def=WEEKS)
    def flights():
        import pyarrow as pa

        return pa.table({"carrier": ["AA"], "delay": [1.5]})

    contract = {**FLIGHTS, "columns": {"carrier": "large_string", "delay": kind}}
    (tmp_path / "borrower" / "contracts" / "air" / "flights.json").write_text(json.dumps(contract))
    taken = take("air/flights", borrower)

    @dg.asset(key_prefix="borrower", partitions_def=WEEKS, ins={"flights": dg.AssetIn(taken.key)})
    def delays(flights):
        return len(flights)

    def make(*assets):
        defs = dg.Definitions(assets=assets, resources={"io_manager": StoreIOManager()})
        return defs.resolve_implicit_global_asset_job_def().execute_in_process(
            partition_key="2013-03-17", instance=dg.DagsterInstance.ephemeral(), raise_on_error=False
        )

    assert make(flights).success
    result = make(taken, delays)
    assert result.success is (error is None)
    if error:
        (failure,) = [event for event in result.all_events if event.is_step_failure]
        assert failure.step_failure_data.user_failure_data.description == error
