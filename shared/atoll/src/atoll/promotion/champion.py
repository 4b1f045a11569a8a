"""From challenger to champion: the gate as an asset check, and the champion as an asset."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import dagster as dg
from dagster._check import CheckError

from atoll.automation.checks import find_failed
from atoll.automation.conditions import along_with, on_update
from atoll.configuration import settings
from atoll.errors import UserError
from atoll.promotion.contest import Contest
from atoll.promotion.gate import describe
from atoll.promotion.registry import Decision, Registry, Version, name_model
from atoll.run_tags import PROCESS, REASON, WHO
from atoll.storage.formats import Reference
from atoll.storage.journal import Journal
from atoll.storage.store import Slot, Store
from atoll.storage.values import find
from atoll.tracking.records import KIND

if TYPE_CHECKING:
    from dagster._core.definitions.assets.graph.asset_graph import AssetGraph

# Tags of a run that say what asked for it, in the order in which they are looked for.
ASKED = {
    "dagster/schedule_name": "schedule",
    "dagster/from_automation_condition": "automation",
    "dagster/sensor_name": "sensor",
    "dagster/backfill": "backfill",
    PROCESS: "command",
}


def promotion(
    model: dg.AssetsDefinition,
    held_out: dg.AssetsDefinition,
    contest: Contest,
    along: dg.AssetsDefinition | None = None,
) -> tuple[dg.AssetChecksDefinition, dg.AssetsDefinition]:
    """Make the gate of a model and its champion; assign both in a module of ``defs``, where Dagster finds them.

    The check ``gate`` scores the model and the champion on the same rows, decides, and writes the decision to the
    store. A model that is refused fails it: as a warning where something else goes on, and otherwise so that nothing is
    made from it. The asset ``champion``, beside the model, is the model that was promoted last.

    Of a model with partitions in time, such as weeks, the champion of a week is what the decisions of the weeks before
    have left, for the gate looks at how the week itself ended. It is None where none was promoted before: what predicts
    by it falls back to something simpler, and no refusal stops it.

    Args:
        model: The asset that returns the challenger.
        held_out: A pandas table that neither model has learnt from, with the same partitions.
        contest: What they are judged by.
        along: For a model with partitions, what the champion of a week is made along with: an asset that its week
            begins with, such as what the model is trained on. Without partitions the champion follows the model.

    Raises:
        UserError: The model is not of the kind ``mlflow``; or it has partitions and is made by itself, and nothing is
            named to make its champion along with.
    """
    spec = model.get_asset_spec()
    if KIND not in spec.kinds:
        raise UserError(
            f"{model.key.to_user_string()} cannot have a gate.",
            f"Its versions are registered in MLflow, which hears only of assets of the kind `{KIND}`.",
            f'Say so where the asset is defined: kinds={{"{KIND}"}}.',
        )
    weekly = model.partitions_def
    if weekly and spec.automation_condition and along is None:
        raise UserError(
            f"The champion of {model.key.to_user_string()} has nothing to be made along with.",
            "The model is made by itself week by week, and a champion that waited for it would stop at a refusal.",
            "Give promotion(..., along=...) an asset that its week begins with, such as what the model is trained on.",
        )
    before = dg.TimeWindowPartitionMapping(-1, -1, allow_nonexistent_upstream_partitions=True) if weekly else None

    @dg.asset_check(
        asset=model,
        name="gate",
        additional_deps=[held_out],
        blocking=True,
        partitions_def=weekly,
        description="The model becomes champion only if it is better than the one before by more than noise.",
    )
    def gate(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
        partition = context.partition_key if weekly else None
        store = Store(settings().store)
        decision = contest.hold(
            store,
            _open(model.key),
            find(store, model.key.to_user_string(), partition),
            find(store, held_out.key.to_user_string(), partition),
            _find_failed_checks(context, {held_out.key, *(dep.asset_key for dep in spec.deps)}, partition),
            identify(context.run.tags, context.run.run_id),
        )
        return _report(decision)

    @dg.asset(
        key=_name_champion(model),
        deps=[dg.AssetDep(model, partition_mapping=before), *([along] if along else [])],
        partitions_def=weekly,
        group_name=spec.group_name,
        owners=list(spec.owners),
        automation_condition=_follow(model, along),
        description=f"The model that was promoted last{' before the week' if weekly else ''}: what predicts.",
    )
    def champion(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        return _find_champion(model.key, context.partition_key if weekly else None)

    return gate, champion


def find_version(model: dg.AssetsDefinition, partition: str | None = None) -> Version | None:
    """Find the version that the champion of a model is; None where there is no champion.

    Raises:
        UserError: The store cannot be read.
    """
    slot = Slot(settings().profile, tuple(_name_champion(model).path), partition)
    champion = Store(settings().store).get(slot)
    same = [
        version
        for version in _open(model.key).versions()
        if champion is not None and version.manifest.data_version == champion.manifest.data_version
    ]
    return same[0] if same else None


def read_decisions(model: dg.AssetsDefinition) -> list[Decision]:
    """Read what was decided about a model in the profile of the settings, by the number of the decision.

    Raises:
        UserError: The store cannot be read.
    """
    return list(_open(model.key).decisions())


def identify(tags: Mapping[str, str], run_id: str) -> dict[str, str]:
    """Say who or what asked for a run, by its tags."""
    tag = next((tag for tag in ASKED if tag in tags), None)
    name = {"name": tags[tag]} if tag in ("dagster/schedule_name", "dagster/sensor_name", "dagster/backfill") else {}
    told = {key: tags[tag] for key, tag in (("who", WHO), ("reason", REASON)) if tag in tags}
    return {"by": ASKED[tag] if tag else "page", **name, **told, "run_id": run_id}


def _follow(model: dg.AssetsDefinition, along: dg.AssetsDefinition | None) -> dg.AutomationCondition | None:
    """Make a champion by itself where what it follows is."""
    leader = along or model
    if leader.get_asset_spec().automation_condition is None:
        return None
    return along_with(along.key.to_user_string()) if along else on_update()


def _name_champion(model: dg.AssetsDefinition) -> dg.AssetKey:
    return dg.AssetKey([*model.key.path[:-1], "champion"])


def _open(key: dg.AssetKey) -> Registry:
    return Registry(Journal(settings().store), settings().profile, name_model(key.to_user_string()))


def _find_champion(key: dg.AssetKey, partition: str | None) -> dg.MaterializeResult:
    registry = _open(key)
    version = registry.champion(before=partition)
    if version is None and partition is not None:
        return dg.MaterializeResult(value=None, metadata={"version": "none: no model was promoted before this week"})
    if version is None and settings().sample:
        # Nothing is promoted for good on a sample, and everything behind the gate is to be tried.
        version = max(registry.versions(), key=lambda found: found.number, default=None)
    if version is None:
        raise UserError(
            f"{registry.name} has no champion.",
            "No model has passed the gate yet.",
            f"See why: ./atoll models {key.path[0]} --profile {settings().profile}",
        )
    metadata = {
        "version": version.number,
        "trained for": version.manifest.partition or "all",
        "trained at": dg.MetadataValue.timestamp(version.manifest.created.timestamp()),
    }
    return dg.MaterializeResult(value=Reference(version.artefact, version.manifest.data_version), metadata=metadata)


def _report(decision: Decision) -> dg.AssetCheckResult:
    figures = decision.figures
    measured = ("challenger", "champion", "baseline", "gain", "gain_low", "gain_high")
    numbers = {f"{figures['metric']}: {name}": figures[name] for name in measured if figures.get(name) is not None}
    conditions = {"conditions": dg.MetadataValue.md(describe(figures["conditions"]))} if figures else {}
    sampled = decision.outcome == "sample"
    passed = decision.challenger == decision.champion
    stops = decision.champion is None and decision.partition is None and not sampled
    return dg.AssetCheckResult(
        passed=passed,
        severity=dg.AssetCheckSeverity.ERROR if stops else dg.AssetCheckSeverity.WARN,
        description=f"{'On a sample, so no alias moves. ' if sampled else ''}{decision.reason}",
        metadata={
            "decision": decision.number,
            "outcome": decision.outcome,
            "version": decision.challenger,
            "champion before": decision.before or "none",
            **numbers,
            **conditions,
            "asked": decision.asked,
        },
    )


def _find_failed_checks(
    context: dg.AssetCheckExecutionContext, keys: set[dg.AssetKey], partition: str | None
) -> list[str]:
    """Name the checks that failed when they last looked at what the models are made from or judged by."""
    checks = _find_graph(context).get_check_keys_for_assets(keys)
    failed = {check for place in {partition, None} for check in find_failed(context.instance, checks, place)}
    return sorted(check.to_user_string() for check in failed)


def _find_graph(context: dg.AssetCheckExecutionContext) -> "AssetGraph":
    """All assets of the code location; the run's job knows those that it makes.

    What runs in memory, as ``dg.materialize`` does, is of no code location: there is nothing but the job.
    """
    try:
        return context.repository_def.asset_graph
    except CheckError:
        return context.job_def.asset_layer.asset_graph
