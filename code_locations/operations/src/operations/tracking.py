"""What was tracked and is not in MLflow yet, sent there."""

import time
from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING

import dagster as dg

from atoll.configuration import settings
from atoll.promotion import registry
from atoll.storage.journal import Journal
from atoll.storage.store import Store
from atoll.tracking.records import Record, add_record, list_pending, mark_sent, send_again
from operations.attempts import describe_end, list_ended

if TYPE_CHECKING:
    from operations.sending import Delivery


def record_ends(instance: dg.DagsterInstance, journal: Journal, since: datetime) -> datetime:
    """Write records of what runs did not make and of how they ended.

    Args:
        instance: Where the runs were recorded.
        journal: Where to write.
        since: Runs that were changed before are known.

    Returns:
        When the last of them was changed, to go on from.

    Raises:
        UserError: The store cannot be written.
    """
    for ended in list_ended(instance, since):
        for record in describe_end(instance, ended):
            add_record(journal, record)
        since = ended.update_timestamp
    return since


def send_pending(instance: dg.DagsterInstance, journal: Journal, seconds: float) -> "Iterator[Delivery]":
    """Send what is pending, oldest first, until nothing is left or the time is up; assets get a link to their run.

    Args:
        instance: Where assets were materialized.
        journal: Where the records are.
        seconds: The time that there is.

    Raises:
        UserError: MLflow does not answer; what is left stays pending.
        UserError: The store cannot be used.
    """
    deadline = time.monotonic() + seconds
    sender = None
    for record in list_pending(journal):
        if time.monotonic() > deadline:
            return
        if sender is None:
            # MLflow is imported only where there is something to send.
            from operations.sending import Sender

            known = settings()
            sender = Sender(known.tracking, Store(known.store), known.page, known.tracking_page)
        delivery = sender.deliver(record)
        if delivery.refusal is None:
            _link(instance, record, delivery.address)
            mark_sent(journal, record)
        yield delivery


def mirror_pending(journal: Journal) -> Iterator[str]:
    """Tell MLflow's registry what was decided; say of which models it knows all, and which versions are waited for.

    What MLflow has lost of these is sent again.

    Args:
        journal: Where the decisions are.

    Raises:
        UserError: MLflow does not answer; the rest stays pending. Or the store cannot be used.
    """
    for name, paths in registry.list_pending(journal).items():
        from operations.mirror import mirror

        missing = mirror(settings().tracking, registry.Registry(journal, registry.FULL, name))
        if not missing:
            registry.mark_sent(journal, paths)
            yield f"MLflow knows the versions of {name}."
            continue
        artefacts = {version.artefact for version in missing}
        if not artefacts <= _list_coming(journal):
            send_again(journal, name.partition(".")[0], artefacts)
        coming = _list_coming(journal)
        for version in missing:
            why = "is still to be sent" if version.artefact in coming else "was never tracked"
            yield f"MLflow's aliases of {name} wait for version {version.number}, whose model {why}."


def _list_coming(journal: Journal) -> set[str | None]:
    return {record.artefact for record in list_pending(journal)}


def _link(instance: dg.DagsterInstance, record: Record, address: str | None) -> None:
    if record.manifest is None or record.run_id is None or address is None:
        return
    link = dg.MetadataValue.url(address) if address.startswith("http") else dg.MetadataValue.text(address)
    key = dg.AssetKey.from_user_string(record.asset)
    seen = dg.AssetObservation(key, partition=record.partition, metadata={"MLflow run": link})
    instance.report_runless_asset_event(seen)
