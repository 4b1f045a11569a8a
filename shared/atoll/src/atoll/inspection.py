"""What the command shows of the store, as JSON: ``python -m atoll.inspection ls|show|verify``."""

import argparse
import json
import sys
from dataclasses import asdict
from typing import Any

from atoll.configuration import settings
from atoll.errors import UserError
from atoll.store import Artefact, Store
from atoll.tables import MODULES, read_rows
from atoll.values import find
from atoll.verification import find_faults


def main() -> int:
    """Print what is asked for; exit 2 with ``what``, ``why`` and ``how`` where a person can mend it."""
    parser = argparse.ArgumentParser(prog="python -m atoll.inspection", description=__doc__)
    parser.add_argument("verb", choices=["ls", "show", "verify"])
    parser.add_argument("key", nargs="?", default="", help="an asset's key, or its first parts")
    parser.add_argument("--partition")
    parser.add_argument("--profile")
    options = parser.parse_args()
    try:
        store = Store(settings().store)
        if options.verb == "ls":
            found = list_artefacts(store, options.key, options.profile)
        elif options.verb == "show":
            found = show_artefact(store, options.key, options.partition, options.profile)
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


def _summarize(artefact: Artefact) -> dict[str, Any]:
    manifest = artefact.manifest
    names = ("asset", "partition", "profile", "format", "rows", "size", "created", "data_version")
    return {name: getattr(manifest, name) for name in names}


if __name__ == "__main__":
    sys.exit(main())
