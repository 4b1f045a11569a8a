"""The run launcher of a server: Dagster's own for Docker, which says why a container died and leaves none behind."""

import logging
import signal
from collections.abc import Mapping
from typing import Any

from dagster import DagsterRun, DagsterRunStatus
from dagster._core.errors import DagsterUserCodeUnreachableError
from dagster._core.launcher import CheckRunHealthResult, WorkerStatus
from dagster_docker import DockerRunLauncher
from dagster_docker.container_context import DockerContainerContext
from docker import DockerClient
from docker.errors import APIError, DockerException
from docker.models.containers import Container
from requests import RequestException

from atoll_control.errors import UserError
from atoll_control.guard.policy import ENVIRONMENT_LABEL, RUN_LABEL

log = logging.getLogger("atoll.container_launcher")

LAST_LINES = 20


class EngineUnreachable(DagsterUserCodeUnreachableError):
    """The container engine does not answer; of this kind of error, so that Dagster queues a run again that meets it."""


class ContainerRunLauncher(DockerRunLauncher):
    """Starts each run in a container of its location's image, as the location's container context says."""

    def _get_client(self, container_context: DockerContainerContext) -> DockerClient:
        try:
            return super()._get_client(container_context)
        except DockerException as error:
            raise EngineUnreachable(f"the container engine does not answer: {error}") from error

    def _launch_container_with_command(self, run: DagsterRun, docker_image: str, command: list[str]) -> None:
        try:
            super()._launch_container_with_command(run, docker_image, command)
        except (DockerException, RequestException) as error:
            problem = UserError(
                f"the run's container could not be started from {docker_image}.",
                _explanation(error),
                "mend what it names and launch the run again.",
            )
            self._instance.report_run_failed(run, str(problem))
            raise problem from error
        self._remove_finished(run)

    def terminate(self, run_id: str) -> bool:
        """Stop a run's container; a run whose process can no longer say so is cancelled at once."""
        stopped = super().terminate(run_id)
        run = self._instance.get_run_by_id(run_id)
        if run is None or run.status != DagsterRunStatus.CANCELING:
            return stopped
        why = "its process had not ended when its time was up" if stopped else "it was already gone"
        self._instance.report_run_canceled(run, f"Cancelled without its container: {why}.")
        return True

    def check_run_worker_health(self, run: DagsterRun) -> CheckRunHealthResult:
        """Say whether the container of a started run lives, and if not, why, with its last words.

        Once is enough: a run that ends well says so before its container ends, and run monitoring looks at what the
        run has said after it has heard of its container.
        """
        container = self._get_container(run)
        if container is None:
            return CheckRunHealthResult(
                WorkerStatus.FAILED, "the container of this run is gone: it was removed, or never made."
            )
        if container.status in ("running", "paused"):
            return CheckRunHealthResult(WorkerStatus.RUNNING)
        return CheckRunHealthResult(WorkerStatus.FAILED, _describe(container))

    def get_run_worker_debug_info(self, run: DagsterRun, include_container_logs: bool | None = True) -> str | None:
        """Remove the container of a run that Dagster gives up, and say how it was.

        Dagster has no hook for the one, so this is that for the other: it asks once, right before it marks the run,
        without logs where `check_run_worker_health` has told all.
        """
        container = self._get_container(run)
        if container is None:
            return "It has no container." if include_container_logs else None
        told = _describe(container) if include_container_logs else None
        container.remove(force=True)
        return told

    def _remove_finished(self, run: DagsterRun) -> None:
        """Remove what the finished runs of this run's environment have left."""
        try:
            context = self.get_container_context(run)
            environment = context.container_kwargs["labels"][ENVIRONMENT_LABEL]
            engine = self._get_client(context).api
            ended = {
                "label": [RUN_LABEL, f"{ENVIRONMENT_LABEL}={environment}"],
                "status": ["created", "exited", "dead"],
            }
            for found in engine.containers(all=True, filters=ended):
                other = self._instance.get_run_by_id(found["Labels"][RUN_LABEL])
                if other is None or other.is_finished:
                    engine.remove_container(found["Id"])
        except Exception:
            # The run is on its way whatever happens here, and the next launch tries again.
            log.exception("containers of finished runs are left")


def _describe(container: Container) -> str:
    try:
        lines = container.logs(tail=LAST_LINES).decode(errors="replace").strip()
    except (DockerException, RequestException) as error:
        lines = f"(they cannot be read: {_explanation(error)})"
    said = f"the last lines that it printed:\n{lines}" if lines else "it printed nothing."
    return f"{explain_state(container.attrs or {})}; {said}"


def explain_state(attributes: Mapping[str, Any]) -> str:
    """Say in words how a container is, or why it ended, from what the engine says of it."""
    state, limit = attributes["State"], attributes.get("HostConfig", {}).get("Memory")
    code = state["ExitCode"]
    if state["Running"]:
        return "its container runs"
    if state["Status"] == "created":
        return "its container was made and never started" + (f": {state['Error']}" if state.get("Error") else "")
    if state.get("OOMKilled"):
        allowed = f"the {limit / 2**30:.3g} GiB that it may have" if limit else "what the machine has"
        return f"its container ran out of memory: it needed more than {allowed} (exit code {code})"
    if code > 128 and code - 128 in {number.value for number in signal.Signals}:
        return f"its container was ended by the signal {signal.Signals(code - 128).name} (exit code {code})"
    return f"its container ended with exit code {code} before the run did" + (
        f": {state['Error']}" if state.get("Error") else ""
    )


def _explanation(error: Exception) -> str:
    return str(error.explanation if isinstance(error, APIError) and error.explanation else error)
