"""A small platform to make history with: weeks that arrive, a check that blocks, and what is made from them."""

import warnings
from datetime import datetime, timezone
from typing import Any

import dagster as dg
from dagster._core.definitions.data_version import CachingStaleStatusResolver, extract_data_version_from_entry
from dagster._core.loader import LoadingContextForTest

from atoll.automation import on_any_update, on_update

WEEKS = dg.WeeklyPartitionsDefinition(start_date="2012-12-30", end_date="2013-01-20")
KEYS = WEEKS.get_partition_keys()


@dg.observable_source_asset
def weather(context):
    return dg.DataVersion(context.run.tags.get("version", "1"))


@dg.asset(partitions_def=WEEKS)
def flights(context):
    if "fails" in context.run.tags:
        raise RuntimeError("it fails, as the test wants")
    return dg.MaterializeResult(data_version=dg.DataVersion(context.run.tags.get("version", "1")))


@dg.asset_check(asset=flights, partitions_def=WEEKS, blocking=True)
def complete(context):
    return dg.AssetCheckResult(passed="incomplete" not in context.run.tags)


@dg.asset(partitions_def=WEEKS, deps=[flights], automation_condition=on_update())
def delays(context):
    if "fails" in context.run.tags:
        raise RuntimeError("it fails, as the test wants")
    return dg.MaterializeResult(data_version=dg.DataVersion("1"))


@dg.asset(deps=[delays, weather], automation_condition=on_any_update())
def year():
    return dg.MaterializeResult(data_version=dg.DataVersion("1"))


checking = dg.define_asset_job("checking", dg.AssetSelection.checks(complete))
defs = dg.Definitions(assets=[weather, flights, delays, year], asset_checks=[complete], jobs=[checking])


def now() -> datetime:
    return datetime.now(timezone.utc)


def run(instance: dg.DagsterInstance, asset: str, week: str | None = None, **tags: str) -> str:
    """Make an asset with its checks, or run the check `complete` alone."""
    known = {"instance": instance, "raise_on_error": False}
    if asset == "complete":
        partition = {"dagster/partition": week or ""}
        return defs.resolve_job_def("checking").execute_in_process(tags={**tags, **partition}, **known).run_id
    job = defs.resolve_implicit_global_asset_job_def()
    return job.execute_in_process(asset_selection=[dg.AssetKey(asset)], partition_key=week, tags=tags, **known).run_id


def look(instance: dg.DagsterInstance, cursor: Any = None) -> dg.EvaluateAutomationConditionsResult:
    """What automation asks for, by what it knew when it last looked."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return dg.evaluate_automation_conditions(defs, instance, cursor=cursor)


def asked(result: dg.EvaluateAutomationConditionsResult) -> dict[str, set[str | None]]:
    return {name: set(result.get_requested_partitions(dg.AssetKey(name))) for name in ("delays", "year")}


def state(instance: dg.DagsterInstance) -> dict[Any, Any]:
    """All that the page and automation go by, read from the tables and not from what Dagster has cached of them."""
    graph = defs.resolve_asset_graph()
    for key in graph.get_all_asset_keys():
        instance.wipe_asset_cached_status([key])
    stale = CachingStaleStatusResolver(instance, graph, loading_context=LoadingContextForTest(instance))
    found: dict[Any, Any] = {}
    for key in sorted(graph.get_all_asset_keys()):
        node = graph.get(key)
        for week in KEYS if node.is_partitioned else [None]:
            record = instance.get_latest_data_version_record(key, node.is_external, week)
            version = extract_data_version_from_entry(record.event_log_entry) if record else None
            causes = [(cause.category.value, cause.reason) for cause in stale.get_stale_causes(key, week)]
            found[key, week] = (version, record and record.storage_id, stale.get_status(key, week).value, causes)
        if node.is_partitioned:
            found[key] = instance.get_status_by_partition(key, KEYS, WEEKS)
    checks = instance.event_log_storage.get_asset_check_partition_info(list(complete.check_keys))
    latest = instance.event_log_storage.get_latest_asset_check_execution_by_key(list(complete.check_keys))
    found["checks"] = sorted(checks, key=lambda info: str(info.partition_key))
    found["check"] = [(record.run_id, record.status) for record in latest.values()]
    (summary,) = instance.event_log_storage.get_asset_check_summary_records(list(complete.check_keys)).values()
    completed = summary.last_completed_check_execution_record
    found["completed check"] = completed and (completed.run_id, completed.status)
    found["automation"] = asked(look(instance))
    return found
