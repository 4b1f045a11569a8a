"""Decay of a champion: whether it is still as good as when it was first judged, once true values are there."""

from typing import Any

import dagster as dg

from atoll.configuration import settings
from atoll.errors import UserError
from atoll.promotion.champion import find_version
from atoll.promotion.comparison import IncomparableError
from atoll.promotion.contest import Contest
from atoll.promotion.registry import Registry, Version, name_model
from atoll.storage.journal import Journal


def decay(
    asset: dg.AssetsDefinition,
    model: dg.AssetsDefinition,
    champion: dg.AssetsDefinition,
    held_out: dg.AssetsDefinition,
    contest: Contest,
) -> dg.AssetChecksDefinition:
    """Make the check ``decay`` of a weekly champion, which warns and is a reason to retrain; assign it in ``defs``.

    What decays is the champion's gain over the baseline on the same rows: a hard week is hard for both. It has decayed
    where the interval of that gain lies below the one that it had when it was first judged.

    Args:
        asset: What the check is of: the evaluation of the champion's predictions, with the same weekly partitions.
        model: The asset that returns the models.
        champion: The second that ``promotion`` gave, with weekly partitions.
        held_out: The rows of the week with their true values, as for ``promotion``.
        contest: The same as for ``promotion``, with a baseline.

    Raises:
        UserError: The gate asks for no gain over a baseline.
    """
    if not contest.gate.beat_baseline:
        raise UserError(
            f"Decay of {champion.key.to_user_string()} cannot be measured.",
            "It is the loss of what the champion was above the baseline, and the gate does not ask for that.",
            "Leave beat_baseline at true, or leave decay out.",
        )
    name = name_model(model.key.to_user_string())

    @dg.asset_check(
        asset=asset,
        name="decay",
        additional_ins={"predictor": dg.AssetIn(champion.key), "rows": dg.AssetIn(held_out.key)},
        partitions_def=champion.partitions_def,
        description="The champion is as far above the baseline as when it was first judged, up to noise.",
    )
    def check_decay(
        context: dg.AssetCheckExecutionContext, evaluated: Any, predictor: Any, rows: Any
    ) -> dg.AssetCheckResult:
        registry = Registry(Journal(settings().store), settings().profile, name)
        version = find_version(model, context.partition_key)
        if version is None:
            return _report(True, "There is no champion yet.")
        try:
            found = contest.compare_with_baseline(predictor, rows)
        except IncomparableError as error:
            return _report(False, f"Version {version.number} cannot be judged by these rows: {error}.")
        judged = _find_judgement(registry, version)
        if judged is None:
            return _report(False, f"Version {version.number} was never compared with the baseline.")
        gain, low, high = judged
        return _report(
            found.high >= low,
            f"Version {version.number} is {found.gain:+.3g} above the baseline ({found.low:+.3g} to {found.high:+.3g}) "
            f"in {contest.gate.metric}; when it was judged it was {gain:+.3g} ({low:+.3g} to {high:+.3g}).",
            {"gain": found.gain, "gain when it was judged": gain},
        )

    return check_decay


def _find_judgement(registry: Registry, version: Version) -> tuple[float, float, float] | None:
    """The gain over the baseline with which a version was judged first, and the ends of its interval."""
    for decision in registry.decisions():
        if decision.challenger == version.number and decision.figures.get("baseline_gain") is not None:
            return tuple(decision.figures[f"baseline_gain{end}"] for end in ("", "_low", "_high"))
    return None


def _report(passed: bool, description: str, metadata: dict[str, Any] | None = None) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(
        passed=passed, severity=dg.AssetCheckSeverity.WARN, description=description, metadata=metadata or {}
    )
