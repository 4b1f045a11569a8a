"""A run of a code location's asset job in this process, recorded as the page would record it."""

import os
from collections.abc import Collection, Mapping
from pathlib import Path

import dagster as dg

# Dagster has no public way to run a location's asset job in this process as a run that the page can repeat and that
# run status sensors see: `execute_job` records no code location, `execute_in_process` keeps every output in memory.
from dagster._core.definitions.reconstruct import ReconstructableRepository
from dagster._core.execution.api import execute_run
from dagster._core.remote_origin import RegisteredCodeLocationOrigin, RemoteRepositoryOrigin

from atoll.run_tags import PROCESS

JOB = "__ASSET_JOB"
REPOSITORY = "__repository__"


def execute(
    instance: dg.DagsterInstance, module: str, keys: Collection[dg.AssetKey], tags: Mapping[str, str]
) -> dg.DagsterRun:
    """Materialize assets of one code location, with their checks, as one run.

    The tag ``atoll/process`` says which process executes the run (``identify_process``). However this function ends,
    the run has ended.

    Args:
        instance: Where the run is recorded.
        module: The module with the attribute ``defs``; the location has the name of its package.
        keys: The assets.
        tags: More tags of the run.

    Returns:
        The run, created and over; its status is to be read from the instance.
    """
    repository = ReconstructableRepository.for_module(module, "defs")
    job = repository.get_reconstructable_job(JOB)
    location = RegisteredCodeLocationOrigin(location_name=module.partition(".")[0])  # ty: ignore[abstract-class-instantiation]
    run = instance.create_run_for_job(
        job_def=job.get_definition(),
        run_config={"loggers": {"progress": {}}},
        tags={**tags, PROCESS: identify_process()},
        asset_selection=frozenset(keys),
        remote_job_origin=RemoteRepositoryOrigin(location, REPOSITORY).get_job_origin(JOB),
        job_code_origin=job.get_python_origin(),
    )
    try:
        execute_run(job, run, instance)
    finally:
        left = instance.get_run_by_id(run.run_id)
        if left is not None and not left.is_finished:
            instance.report_run_canceled(left, message="The run was interrupted.")
    return run


def identify_process() -> str:
    """This process as ``<pid>:<start in clock ticks>``, which no later process with the same pid shares.

    Where there is no ``/proc``, the part after the colon is empty.
    """
    pid = os.getpid()
    stat = Path(f"/proc/{pid}/stat")
    return f"{pid}:{stat.read_text().rpartition(')')[2].split()[19] if stat.exists() else ''}"
