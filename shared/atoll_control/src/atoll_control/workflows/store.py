"""`store`: what the store holds, and whether it still holds what was written."""

import json
from datetime import datetime
from typing import Any

from rich.markup import escape

from atoll_control.console import BAD, GOOD, format_size, out, say, show_json, show_table
from atoll_control.files import Checkout
from atoll_control.places import find_place

SHORT = 12


def list_store(
    checkout: Checkout, prefix: str, profile: str | None, *, as_json: bool, environment: str | None = None
) -> int:
    """Show what is current: asset, partition, profile, rows, size, time, data version."""
    found = find_place(checkout, environment).inspect("ls", prefix, profile=profile)
    if as_json:
        show_json(found)
        return 0
    columns = ("asset", "partition", "profile", "created", "format", "rows", "size", "data version")
    show_table(columns, [(row["asset"], row["partition"], row["profile"], *_describe(row)) for row in found])
    return 0


def show_artefact(
    checkout: Checkout,
    key: str,
    partition: str | None,
    profile: str | None,
    *,
    as_json: bool,
    environment: str | None = None,
) -> int:
    """Show one artefact: its manifest, where it is, its versions, and of a table the first rows."""
    found = find_place(checkout, environment).inspect("show", key, partition=partition, profile=profile)
    if as_json:
        show_json(found)
        return 0
    facts = {"place": found["place"], **found["manifest"]}
    show_table(("", ""), [(name, _text(value)) for name, value in facts.items()])
    columns = ("", "created", "format", "rows", "size", "data version", "run")
    rows = [(GOOD if row["current"] else "", *_describe(row), row["run_id"]) for row in found["versions"]]
    show_table(columns, rows, title="")
    if found["preview"]:
        show_table(found["preview"]["columns"], found["preview"]["rows"], title="")
    return 0


def verify_store(checkout: Checkout, prefix: str, *, as_json: bool, environment: str | None = None) -> int:
    """Read everything and compare it with what was written; return 1 when something is at fault."""
    found = find_place(checkout, environment).inspect("verify", prefix)
    faults = [fault for fault in found if not fault["leftover"]]
    if as_json:
        show_json(found)
    else:
        for fault in found:
            out.print(f"{'leftover' if fault['leftover'] else BAD} {escape(fault['path'])}")
            out.print(f"  {escape(fault['what'])}\n  {escape(fault['how'])}")
        if not faults:
            say("the store holds what was written", GOOD)
    return 1 if faults else 0


def _describe(row: dict[str, Any]) -> tuple[Any, ...]:
    created = datetime.fromisoformat(row["created"]).astimezone().strftime("%Y-%m-%d %H:%M:%S")
    return created, row["format"], row["rows"], format_size(row["size"]), row["data_version"][:SHORT]


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
