"""Materialize assets of one code location in this process: ``python -m atoll.commands.materialize MODULE``."""

import argparse
import json
import os
import signal
import sys
import traceback
import warnings
from collections.abc import Iterator, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any
from uuid import uuid4

import dagster as dg

from atoll.commands.execution import execute
from atoll.commands.selection import PlannedRun, plan_runs, select
from atoll.configuration import settings
from atoll.errors import UserError
from atoll.report import join, summarize
from atoll.run_tags import WHO
from atoll.storage.store import Store


def main() -> int:
    """Run from the command line; the exit code is 0 for success, 1 for a failed run, 2 for what the user can mend."""
    parser = argparse.ArgumentParser(prog="python -m atoll.commands.materialize", description=__doc__)
    parser.add_argument("module", help="module with the attribute `defs`, such as vehicle_prices.definitions")
    parser.add_argument("--select", default="*", help="assets, in Dagster's selection syntax (default: all)")
    parser.add_argument("--partition", help="partition key, or FROM..TO")
    parser.add_argument("--dry-run", action="store_true", help="only say what would be materialized")
    parser.add_argument("--summary", type=Path, help="file to write a summary to, as JSON; - is the standard output")
    options = parser.parse_args()
    for interruption in (signal.SIGINT, signal.SIGTERM):
        signal.signal(interruption, signal.default_int_handler)
    for kind in (dg.PreviewWarning, dg.BetaWarning):
        warnings.simplefilter("ignore", kind)
    try:
        summary = materialize(options.module, options.select, options.partition, dry_run=options.dry_run)
    except UserError as error:
        if options.summary:
            _write(options.summary, {"success": False, "what": error.what, "why": error.why, "how": error.how})
        else:
            sys.stderr.write(f"what: {error.what}\nwhy:  {error.why}\nhow:  {error.how}\n")
        return 2
    except KeyboardInterrupt:
        sys.stderr.write("interrupted\n")
        return 1
    if options.summary:
        _write(options.summary, summary)
    return 0 if summary["success"] else 1


def materialize(
    module: str, selection: str = "*", partition: str | None = None, *, dry_run: bool = False
) -> dict[str, Any]:
    """Materialize assets of one code location and run their checks, as one run of the instance.

    Args:
        module: The module with the attribute ``defs``.
        selection: Assets, in Dagster's selection syntax.
        partition: The partition's key, or ``FROM..TO``, for partitioned assets: one run a partition, in order.
        dry_run: Whether to stop before anything is made.

    Returns:
        The summary of the run (``atoll.report.summarize``); of several ``success``, ``seconds`` and the summaries as
        ``runs``; of a dry run ``success``, ``profile`` and ``runs`` with ``partition``, ``assets`` and ``tags``.

    Raises:
        UserError: Settings, module, selection, partition, instance or store cannot be used.
    """
    store = Store(settings().store)
    defs = _load(module)
    keys = select(defs, selection)
    with _open_instance() as instance:
        runs = plan_runs(defs, instance, keys, partition)
        if dry_run:
            return {"success": True, "profile": settings().profile, "runs": [_describe(run) for run in runs]}
        store.probe()
        return join(list(_run_each(instance, module, runs)))


def _describe(run: PlannedRun) -> dict[str, Any]:
    assets = sorted(key.to_user_string() for key in run.keys)
    return {"partition": run.partition, "assets": assets, "tags": run.tags}


def _identify() -> dict[str, str]:
    """Who asked, as the command says in the environment; decisions about models name them."""
    who = os.environ.get("ATOLL_WHO")
    return {WHO: who} if who else {}


def _run_each(instance: dg.DagsterInstance, module: str, runs: Sequence[PlannedRun]) -> Iterator[dict[str, Any]]:
    """Execute one run after the other; one that fails does not keep the next from its turn."""
    for number, run in enumerate(runs, 1):
        if len(runs) > 1:
            sys.stderr.write(f"{run.partition} ({number} of {len(runs)})\n")
        yield summarize(instance, execute(instance, module, run.keys, {**run.tags, **_identify()}).run_id)


def _load(module: str) -> dg.Definitions:
    try:
        return import_module(module).defs
    except ModuleNotFoundError as error:
        if error.name is None or not f"{module}.".startswith(f"{error.name}."):
            raise _explain(module, error) from error
        raise UserError(
            f"The module {module} cannot be imported.",
            f"There is no module {error.name} in this environment.",
            "Name the module with `defs`, such as vehicle_prices.definitions, in its project's environment.",
        ) from error
    except UserError:
        raise
    except Exception as error:
        raise _explain(module, error) from error


def _explain(module: str, error: Exception) -> UserError:
    """Name the last line of the project's own code that led to the error."""
    package = str(module.partition(".")[0])
    frames = traceback.extract_tb(error.__traceback__)
    place = next((frame for frame in reversed(frames) if package in Path(frame.filename).parts), frames[-1])
    return UserError(
        f"The definitions {module} do not load.",
        f"{type(error).__name__}: {error} ({place.filename}:{place.lineno}).",
        "Mend that line; `dg check defs` in the project shows the whole traceback.",
    )


def _open_instance() -> dg.DagsterInstance:
    try:
        return dg.DagsterInstance.get()
    except dg.DagsterError as error:
        raise UserError(
            "The Dagster instance cannot be used.",
            str(error).strip().splitlines()[0],
            "Set DAGSTER_HOME to the folder of dagster.yaml, as ./atoll run does.",
        ) from error


def _write(path: Path, summary: dict[str, Any]) -> None:
    if path == Path("-"):
        json.dump(summary, sys.stdout)
        return
    draft = path.with_name(f".{path.name}.{uuid4().hex}")
    draft.write_text(json.dumps(summary, indent=1))
    draft.replace(path)


if __name__ == "__main__":
    sys.exit(main())
