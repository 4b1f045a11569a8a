import subprocess
import sys

import dagster as dg
import pytest

from atoll import settings
from operations.definitions import defs
from operations.defs.disk import disk_space
from operations.defs.location import schedule

ASSETS = ["disk_space", "pruned_runs", "verified_store"]
SCHEDULES = {"daily_pruning": "30 2 * * *", "weekly_verification": "0 4 * * 0", "hourly_disk_space": "5 * * * *"}
DEFAULT = """
from operations.definitions import defs
from operations.defs.runs import pruned_runs
print(pruned_runs.op.config_schema.as_field().config_type.fields["dry_run"].default_value)
"""


@pytest.fixture(scope="module")
def graph():
    return defs.resolve_asset_graph()


def test_the_assets_are_the_known_ones_with_description_group_and_owner(graph):
    assert sorted(key.path[1] for key in graph.materializable_asset_keys) == ASSETS
    for key in graph.materializable_asset_keys:
        node = graph.get(key)
        assert node.description and node.group_name == "operations" and node.owners == ["team:platform"]
    checks = {(check.asset_key.path[1], check.name) for check in graph.asset_check_keys}
    assert checks == {("disk_space", "enough"), ("verified_store", "no_fault")}


@pytest.mark.parametrize("name", SCHEDULES)
def test_each_has_a_schedule_whose_runs_go_last(graph, name):
    found = defs.resolve_schedule_def(name)
    assert found.cron_schedule == SCHEDULES[name]
    job = defs.resolve_job_def(found.job_name)
    assert job.tags["dagster/priority"] == "-1"
    assert len(job.asset_layer.executable_asset_keys) == 1


@pytest.mark.parametrize(("automation", "status"), [("true", "RUNNING"), ("false", "STOPPED")])
def test_schedules_are_on_where_the_settings_say_automation(monkeypatch, automation, status):
    monkeypatch.setenv("ATOLL_AUTOMATION", automation)
    settings.cache_clear()
    made = schedule("hourly", disk_space, "5 * * * *", "Every hour.")
    settings.cache_clear()
    assert made.default_status == dg.DefaultScheduleStatus[status]


@pytest.mark.parametrize(("days", "dry"), [("", "True"), ("30", "False")])
def test_the_launchpad_has_dry_run_on_where_no_number_of_days_is_set(monkeypatch, days, dry):
    monkeypatch.setenv("ATOLL_KEEP_RUNS_DAYS", days)
    assert run_python(DEFAULT).split()[-1] == dry


def test_definitions_load_without_what_only_runs_need():
    loaded = run_python(
        "from operations.definitions import defs\ndefs.resolve_asset_graph()\nimport sys\nprint(*sys.modules)"
    )
    assert {"dagster", "operations.defs.runs"} <= set(loaded.split())
    assert {"pyarrow", "sqlalchemy", "upath", "operations.pruning", "atoll.storage.verification"} & set(
        loaded.split()
    ) == set()


def run_python(script: str) -> str:
    return subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
