"""Runs: which of them have a process of their own, outside any code server."""

from collections.abc import Mapping

# The library puts it on a run of `./atoll run`: `<pid>:<start time>`.
PROCESS_TAG = "atoll/process"

PARENT_TAG = "dagster/parent_run_id"


def headless_process(tags: Mapping[str, str]) -> str | None:
    """Return the process of a run of `./atoll run`, and None for a run of a code server.

    A run that the page repeats takes over the tags of the first, and names it as its parent.
    """
    return None if PARENT_TAG in tags else tags.get(PROCESS_TAG)
