"""Run by a project's own interpreter: load its definitions and print as JSON what came of it.

Not imported by the command: it knows Dagster, the library and the standard library.
"""

import contextlib
import importlib
import json
import sys
import traceback


def probe(name: str, source: str, lends: list[str], heavy: list[str]) -> dict[str, object]:
    """Return `error` (one line or None), the heavy modules that loading brought in, asset keys, and contracts.

    Of a lent asset without a contract there is `what`, `why` and `how` in its place.
    """
    sys.path.insert(0, source)
    nothing = {"heavy": [], "keys": [], "contracts": {}}
    try:
        module = importlib.import_module(f"{name}.definitions")
        imported = sorted(set(heavy) & set(sys.modules))
        from dagster import Definitions

        found = next(value for value in vars(module).values() if isinstance(value, Definitions))
        Definitions.validate_loadable(found)
        keys = [key.path for key in found.resolve_asset_graph().materializable_asset_keys]
        contracts = {key: publish(found, key) for key in lends}
        return {"error": None, "heavy": imported, "keys": sorted(keys), "contracts": contracts}
    except StopIteration:
        return {"error": f"{name}.definitions has no Definitions", **nothing}
    except (Exception, SystemExit) as error:
        return {"error": describe(error), **nothing}


def describe(error: BaseException) -> str:
    """Say in one line what was raised: of the library's own error what and why."""
    if isinstance(error, importlib.import_module("atoll.errors").UserError):
        return f"{error.what} {error.why}"
    return traceback.format_exception_only(error)[-1].strip().splitlines()[0]


def publish(definitions: object, key: str) -> dict[str, object]:
    """Return the contract of a lent asset, or what is wrong with it."""
    try:
        return importlib.import_module("atoll.contracts").publish(definitions, key)
    except importlib.import_module("atoll.errors").UserError as error:
        return {"what": error.what, "why": error.why, "how": error.how}


if __name__ == "__main__":
    # What a project prints while it loads is not part of the answer.
    with contextlib.redirect_stdout(sys.stderr):
        answer = probe(**json.loads(sys.argv[1]))
    json.dump(answer, sys.stdout)
