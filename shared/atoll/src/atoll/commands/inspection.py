"""What the command shows of the store, as JSON: ``python -m atoll.commands.inspection ls|show|verify|models``."""

import argparse
import json
import sys
from dataclasses import asdict
from typing import Any

from atoll.configuration import settings
from atoll.errors import UserError
from atoll.promotion.registry import Registry, list_names
from atoll.storage.journal import Journal
from atoll.storage.store import Artefact, Store
from atoll.storage.tables import MODULES, read_rows
from atoll.storage.values import find
from atoll.storage.verification import find_faults

FIGURES = ("metric", "challenger", "champion", "baseline", "gain", "gain_low", "gain_high")


def main() -> int:
    """Print what is asked for; exit 2 with ``what``, ``why`` and ``how`` where a person can mend it."""
    parser = argparse.ArgumentParser(prog="python -m atoll.commands.inspection", description=__doc__)
    parser.add_argument("verb", choices=["ls", "show", "verify", "models"])
    parser.add_argument("key", nargs="?", default="", help="an asset's key, or its first parts; a code location")
    parser.add_argument("--partition")
    parser.add_argument("--profile")
    options = parser.parse_args()
    try:
        store = Store(settings().store)
        if options.verb == "ls":
            found = list_artefacts(store, options.key, options.profile)
        elif options.verb == "show":
            found = show_artefact(store, options.key, options.partition, options.profile)
        elif options.verb == "models":
            found = list_models(Journal(settings().store), options.key, options.profile or settings().profile)
        else:
            found = [asdict(fault) for fault in find_faults(store, options.key)]
        code = 0
    except UserError as error:
        found, code = {"what": error.what, "why": error.why, "how": error.how}, 2
    json.dump(found, sys.stdout, default=str)
    return code


def list_artefacts(store: Store, prefix: str, profile: str | None) -> list[dict[str, Any]]:
    """Describe all current artefacts: asset, partition, profile, rows, size, time of creation, data version."""
    return [_summarize(artefact) for artefact in store.list_current(prefix, profile)]


def show_artefact(store: Store, key: str, partition: str | None, profile: str | None) -> dict[str, Any]:
    """Describe one artefact: ``manifest``, ``place``, ``versions`` (the newest first), of a table ``preview``."""
    current = find(store, key, partition, profile)
    preview = None
    if current.manifest.format in MODULES:
        with store.open(current) as path:
            columns, rows = read_rows(path)
        preview = {"columns": columns, "rows": rows}
    return {
        "manifest": asdict(current.manifest),
        "place": store.locate(current.path),
        "versions": [
            {**_summarize(version), "run_id": version.manifest.run_id, "current": version.path == current.path}
            for version in store.list_versions(current.slot)
        ],
        "preview": preview,
    }


def list_models(journal: Journal, location: str, profile: str) -> list[dict[str, Any]]:
    """Describe the registered models of a location: ``name``, ``versions`` and ``decisions``, the oldest first."""
    found = []
    for name in list_names(journal, profile, location):
        registry = Registry(journal, profile, name)
        versions, champion = list(registry.versions()), registry.champion()
        aliases = {champion.number: ["champion"]} if champion else {}
        aliases.setdefault(versions[-1].number, []).append("challenger")
        decisions = [asdict(decision) for decision in registry.decisions()]
        judged = {decision["challenger"]: decision for decision in decisions if decision["figures"]}
        found.append(
            {
                "name": name,
                "profile": profile,
                "versions": [
                    {
                        "version": version.number,
                        "aliases": aliases.get(version.number, []),
                        "partition": version.manifest.partition,
                        "created": version.manifest.created,
                        "artefact": version.artefact,
                        "data_version": version.manifest.data_version,
                        "run_id": version.manifest.run_id,
                        "commit": version.manifest.commit,
                        "outcome": judged.get(version.number, {}).get("outcome"),
                        "figures": {key: judged.get(version.number, {}).get("figures", {}).get(key) for key in FIGURES},
                    }
                    for version in versions
                ],
                "decisions": decisions,
            }
        )
    return found


def _summarize(artefact: Artefact) -> dict[str, Any]:
    manifest = artefact.manifest
    names = ("asset", "partition", "profile", "format", "rows", "size", "created", "data_version")
    return {name: getattr(manifest, name) for name in names}


if __name__ == "__main__":
    sys.exit(main())
