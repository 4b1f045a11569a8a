"""Run by a project's own interpreter: load its definitions and print as JSON what came of it.

Not imported by the command: it knows Dagster and the standard library only.
"""

import contextlib
import importlib
import json
import sys
import traceback


def probe(name: str, source: str, heavy: list[str]) -> dict[str, object]:
    """Return `error` (one line or None), the heavy modules that loading brought in, and the asset keys."""
    sys.path.insert(0, source)
    try:
        module = importlib.import_module(f"{name}.definitions")
        imported = sorted(set(heavy) & set(sys.modules))
        from dagster import Definitions

        found = next(value for value in vars(module).values() if isinstance(value, Definitions))
        Definitions.validate_loadable(found)
        keys = [key.path for key in found.resolve_asset_graph().materializable_asset_keys]
        return {"error": None, "heavy": imported, "keys": sorted(keys)}
    except StopIteration:
        return {"error": f"{name}.definitions has no Definitions", "heavy": [], "keys": []}
    except (Exception, SystemExit) as error:
        last = traceback.format_exception_only(error)[-1].strip().splitlines()[0]
        return {"error": last, "heavy": [], "keys": []}


if __name__ == "__main__":
    # What a project prints while it loads is not part of the answer.
    with contextlib.redirect_stdout(sys.stderr):
        answer = probe(sys.argv[1], sys.argv[2], sys.argv[3:])
    json.dump(answer, sys.stdout)
