"""Drift of inputs: how far what a model is asked about has moved from what it was trained on."""

from collections.abc import Sequence
from typing import Any

import dagster as dg


def drift(
    current: dg.AssetsDefinition,
    reference: dg.AssetsDefinition,
    columns: Sequence[str],
    limit: float = 0.1,
    units: str | None = None,
    error_rate: float = 0.05,
    automation_condition: dg.AutomationCondition | None = None,
) -> tuple[dg.AssetsDefinition, dg.AssetChecksDefinition]:
    """Make an asset that measures how far inputs have moved, and its check, which warns and is a reason to retrain.

    Assign both in a module of ``defs``, where Dagster finds them. The asset ``drift`` is beside ``reference`` and has
    its partitions.

    Args:
        current: A pandas table of what a model is asked about now.
        reference: A pandas table of what it was trained on.
        columns: Of both tables.
        limit: The population stability index below which a movement does not matter.
        units: A column of both tables, such as the day, whose rows share their luck; None: every row stands alone.
        error_rate: How often chance alone may make the check fail.
        automation_condition: When it is made without being asked.
    """
    spec = reference.get_asset_spec()

    @dg.asset(
        key=[*reference.key.path[:-1], "drift"],
        ins={"now": dg.AssetIn(current.key), "before": dg.AssetIn(reference.key)},
        partitions_def=reference.partitions_def,
        automation_condition=automation_condition,
        group_name=spec.group_name,
        owners=list(spec.owners),
        kinds={"pandas"},
        description=f"How far {current.key.to_user_string()} has moved from {reference.key.to_user_string()}: the "
        "population stability index of each column, and what it is above by chance.",
    )
    def measure_drift(now: Any, before: Any) -> dg.MaterializeResult:
        from atoll.monitoring.stability import measure_movements

        found = measure_movements(before, now, columns, limit, units, error_rate)
        return dg.MaterializeResult(
            value=found,
            metadata={
                "columns that have drifted": sum(row["drifted"] for row in found),
                "largest index": found[0]["psi"],
                "columns": dg.MetadataValue.md(tabulate(found)),
            },
        )

    @dg.asset_check(
        asset=measure_drift,
        name="drift",
        partitions_def=reference.partitions_def,
        description=f"No column has moved by more than {limit:g} and more than chance moves it.",
    )
    def check_drift(measured: Any) -> dg.AssetCheckResult:
        drifted = [row for row in measured if row["drifted"]]
        told = ", ".join(f"{row['column']} ({row['psi']:.3f}, by chance up to {row['noise']:.3f})" for row in drifted)
        return dg.AssetCheckResult(
            passed=not drifted,
            severity=dg.AssetCheckSeverity.WARN,
            description=f"Moved: {told}." if drifted else f"None of {len(measured)} columns has moved.",
        )

    return measure_drift, check_drift


def tabulate(measured: Sequence[dict[str, Any]]) -> str:
    """Write what `measure_movements` gives as a Markdown table."""
    lines = ["| column | stability index | by chance up to | moved |", "| --- | ---: | ---: | --- |"]
    lines += [
        f"| {row['column']} | {row['psi']:.3f} | {row['noise']:.3f} | {'yes' if row['drifted'] else 'no'} |"
        for row in measured
    ]
    return "\n".join(lines)
