"""When a model is trained again: every week, and for a reason."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Annotated, get_args

import dagster as dg
from dagster import _check as check

from atoll.automation.conditions import default_status, sequence_tag
from atoll.automation.schedules import Missed, weekly_schedule
from atoll.automation.triggers import find_reasons, watch_check, watch_data
from atoll.clock import today
from atoll.configuration import read_settings, settings
from atoll.errors import UserError
from atoll.run_tags import DAY, PROFILE, REASON, RETRAINING

# What a limit counts in.
MONTH = timedelta(days=30)


def retraining(
    name: str,
    trains: str,
    target: dg.AssetSelection,
    cron_schedule: str,
    execution_timezone: str = "UTC",
    new_data: Sequence[str] = (),
    failed_checks: Sequence[str] = (),
    triggered: dg.AssetSelection | None = None,
    cool_down_days: int = 0,
    limit: int | None = None,
    missed: Missed = "catch up",
) -> tuple[dg.ScheduleDefinition, dg.SensorDefinition]:
    """Make a schedule that trains a model every week, and a sensor that trains it whenever there is a reason.

    Assign both in a module of ``defs``, where Dagster finds them. The tag ``atoll/reason`` of the run says why it is:
    ``schedule``, or what the sensor found, as in ``new data: flight_delays/held_out, drift: flight_delays/drift``.
    Something is a reason until the model is trained, and asked for once: a run that failed is for a person to see. The
    sensor waits while a run of the same week goes on.

    Args:
        name: Name of the schedule; the sensor is called ``<name>_triggers``.
        trains: Key of the model, as ``<code location>/<asset>``.
        target: What is made; assets with the weekly partitions of the model, or none if it has none.
        cron_schedule: When the schedule looks.
        execution_timezone: Time zone of that.
        new_data: Keys of assets: other content than the model was trained with is a reason, where the asset's own
            checks stop nothing.
        failed_checks: Asset checks as ``<asset>:<check>``, such as drift and decay: a failure or warning is a reason.
        triggered: What the sensor asks for, where that is not ``target``.
        cool_down_days: The sensor waits until so many days of ``atoll.today()`` after the model's last retraining.
        limit: The sensor asks for nothing where there were so many of them in thirty days, by schedule or sensor.
        missed: Whether weeks that were missed are trained one after the other, or ``skip`` all but the last.

    Raises:
        UserError: A check is not named as it must be, or a value is not one that it can be.
    """
    _check(cool_down_days, limit, missed)
    triggers = [*map(watch_data, new_data), *map(watch_check, failed_checks)]
    location = trains.partition("/")[0]

    def tag(reason: str) -> dict[str, str]:
        return {RETRAINING: trains, REASON: reason, DAY: today().isoformat(), PROFILE: read_settings().profile}

    @dg.sensor(
        name=f"{name}_triggers",
        target=target if triggered is None else triggered,
        minimum_interval_seconds=settings().sensor_interval,
        default_status=default_status(settings().automation),
        description=f"Trains {trains} again for: {', '.join(trigger.reason for trigger in triggers)}.",
    )
    def sensor(context: dg.SensorEvaluationContext) -> list[dg.RunRequest] | dg.SkipReason:
        graph = check.not_none(context.repository_def).asset_graph
        found = find_reasons(context.instance, graph, dg.AssetKey.from_user_string(trains), triggers)
        earlier = context.instance.get_runs(dg.RunsFilter(tags={RETRAINING: trains, PROFILE: read_settings().profile}))
        days = [date.fromisoformat(run.tags[DAY]) for run in earlier]
        asked = {run.tags.get("dagster/run_key") for run in earlier}
        requests: list[dg.RunRequest] = []
        for reason in found[-1:] if missed == "skip" else found:
            run_key = ":".join([read_settings().profile, reason.partition or "all", str(reason.event)])
            if run_key in asked:
                continue
            resting = _rest(today(), days, cool_down_days, limit)
            if resting is not None:
                return requests or dg.SkipReason(f"{resting} There is a reason: {reason}.")
            days.append(today())
            tags = {**sequence_tag(location), **tag(", ".join(reason.reasons))}
            requests.append(dg.RunRequest(run_key, partition_key=reason.partition, tags=tags))
        return requests or dg.SkipReason(
            "There is no reason that was not asked for." if found else "There is no reason."
        )

    schedule = weekly_schedule(
        name,
        target,
        cron_schedule,
        execution_timezone,
        f"Trains {trains} again, whether there is another reason or not.",
        missed=missed,
        find_tags=lambda: tag("schedule"),
    )
    return schedule, sensor


Selection = Annotated[
    dg.AssetSelection, dg.Resolver(lambda _, text: dg.AssetSelection.from_string(text), model_field_type=str)
]


@dataclass
class Retraining(dg.Component, dg.Resolvable):
    """What `retraining` gives, with the same attributes in ``defs.yaml``; selections in Dagster's selection syntax."""

    name: str
    trains: str
    target: Selection
    cron_schedule: str
    execution_timezone: str = "UTC"
    new_data: Sequence[str] = field(default_factory=list)
    failed_checks: Sequence[str] = field(default_factory=list)
    triggered: Selection | None = None
    cool_down_days: int = 0
    limit: int | None = None
    missed: Missed = "catch up"

    def build_defs(self, context: dg.ComponentLoadContext) -> dg.Definitions:
        """Make schedule and sensor."""
        schedule, sensor = retraining(**vars(self))
        return dg.Definitions(schedules=[schedule], sensors=[sensor])


def _check(cool_down_days: int, limit: int | None, missed: str) -> None:
    for name, value, wanted, right in (
        ("cool_down_days", cool_down_days, "a number of days, 0 for none", cool_down_days >= 0),
        ("limit", limit, "a number of at least 1, or nothing", limit is None or limit >= 1),
        ("missed", missed, f"one of {', '.join(get_args(Missed))}", missed in get_args(Missed)),
    ):
        if not right:
            raise UserError(
                f"`{name}` of a retraining is not valid.",
                f"It is {value!r}.",
                f"Correct it where retraining is defined: it must be {wanted}.",
            )


def _rest(day: date, days: Sequence[date], cool_down_days: int, limit: int | None) -> str | None:
    """Say why triggers wait, if they do.

    Args:
        day: Today.
        days: Those of earlier retrainings.
        cool_down_days: As in `retraining`.
        limit: As in `retraining`.
    """
    last = max((known for known in days if known <= day), default=None)
    if last is not None and day < last + timedelta(days=cool_down_days):
        return f"The last retraining was asked for on {last}; triggers wait for {cool_down_days} days."
    month = sum(day - MONTH < known <= day for known in days)
    if limit is not None and month >= limit:
        return f"There were {month} retrainings in thirty days, and the limit is {limit}."
    return None
