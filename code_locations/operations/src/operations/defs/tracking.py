"""The sensor that sends what was tracked to MLflow."""

from collections.abc import Iterator
from datetime import datetime, timezone

import dagster as dg

from atoll import UserError, settings

# Seconds that one look may take; Dagster allows 60.
PATIENCE = 20.0


@dg.sensor(minimum_interval_seconds=settings().sensor_interval, default_status=dg.DefaultSensorStatus.RUNNING)
def tracking(context: dg.SensorEvaluationContext) -> Iterator[dg.SkipReason]:
    """Sends what was tracked to MLflow, and how its runs ended; what cannot be sent stays pending."""
    from atoll.storage.journal import Journal
    from operations.tracking import mirror_pending, record_ends, send_pending

    journal = Journal(settings().store)
    since = datetime.fromisoformat(context.cursor) if context.cursor else datetime.fromtimestamp(0, timezone.utc)
    context.update_cursor(record_ends(context.instance, journal, since).isoformat())
    sent, refused, known = 0, [], []
    try:
        for delivery in send_pending(context.instance, journal, PATIENCE):
            sent += delivery.refusal is None
            refused += [f"{delivery.record.asset}: {delivery.refusal}"] if delivery.refusal else []
        known = list(mirror_pending(journal))
    except UserError as error:
        refused.append(f"{error.what} {error.why} {error.how}")
    yield dg.SkipReason("\n".join([f"{sent} records were sent.", *refused, *known]))
