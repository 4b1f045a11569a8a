"""The run launcher of the embedded instance: Dagster's own, and a look at whether a run's process still lives."""

from collections.abc import Mapping
from typing import Any

from dagster import DagsterRun
from dagster._core.errors import DagsterUserCodeUnreachableError
from dagster._core.launcher import CheckRunHealthResult, DefaultRunLauncher, WorkerStatus
from dagster._grpc.types import CanCancelExecutionRequest, CanCancelExecutionResult
from dagster._serdes import ConfigurableClassData, deserialize_value

from atoll_control.process import is_alive
from atoll_control.runs import headless_process


class LocalRunLauncher(DefaultRunLauncher):
    """Starts runs in the code servers, as Dagster does, and lets run monitoring notice one whose process was killed.

    A run of `./atoll run` has no code server: its tag `atoll/process`, `<pid>:<start time>`, says which process it is.
    """

    def __init__(self, inst_data: ConfigurableClassData | None = None) -> None:
        super().__init__(inst_data)
        self._missing_once: set[str] = set()

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData, config_value: Mapping[str, Any]) -> "LocalRunLauncher":
        """Build it from `dagster.yaml`; it takes no configuration."""
        return cls(inst_data)

    @property
    def supports_check_run_worker_health(self) -> bool:
        """Run monitoring may ask."""
        return True

    def check_run_worker_health(self, run: DagsterRun) -> CheckRunHealthResult:
        """Say whether the process of a started run lives; one that is missing twice in a row has failed.

        Twice, because a run can end between the monitor's look at the database and this one.
        """
        if self._lives(run):
            self._missing_once.discard(run.run_id)
            return CheckRunHealthResult(WorkerStatus.RUNNING)
        if run.run_id not in self._missing_once:
            self._missing_once.add(run.run_id)
            return CheckRunHealthResult(WorkerStatus.RUNNING, "its process was not found once")
        self._missing_once.discard(run.run_id)
        return CheckRunHealthResult(
            WorkerStatus.FAILED, "the process of this run is gone: it was killed, or its machine stopped"
        )

    def _lives(self, run: DagsterRun) -> bool:
        if identity := headless_process(run.tags):
            return is_alive(identity)
        client = self._get_grpc_client_for_termination(run.run_id)
        if client is None:
            return False
        try:
            answer = client.can_cancel_execution(CanCancelExecutionRequest(run_id=run.run_id), timeout=10)
        except DagsterUserCodeUnreachableError:
            return False
        return deserialize_value(answer, CanCancelExecutionResult).can_cancel
