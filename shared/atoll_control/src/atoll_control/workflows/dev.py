"""`dev`: the platform on this machine, until Ctrl-C."""

import time
from collections.abc import Mapping, Sequence

from atoll_control import dagster_dev, mlflow
from atoll_control.child import last_error
from atoll_control.console import BAD, GOOD, err, say, show_problem
from atoll_control.dagster_dev import DagsterDev, DagsterDevEnded, read_record
from atoll_control.environments import probe_dagster
from atoll_control.errors import UserError
from atoll_control.files import Checkout
from atoll_control.graphql import Location
from atoll_control.instance import initialise_instance
from atoll_control.mlflow import MlflowServer, find_tracking, mlflow_service
from atoll_control.process import exclusive, interrupt_on_signals, port_in_use, port_is_free
from atoll_control.projects import Project, discover_projects
from atoll_control.workflows.sync import sync_with_progress


def dev(checkout: Checkout, port: int, mlflow_port: int) -> int:
    """Install what is missing, start Dagster over the projects that can start, and wait until the terminal ends it."""
    interrupt_on_signals()
    with exclusive(checkout.state / "dev.lock") as free:
        if not free:
            raise _runs_already(checkout)
        try:
            _serve(checkout, port, mlflow_port)
        except KeyboardInterrupt:
            say("ended")
    return 0


def _serve(checkout: Checkout, port: int, mlflow_port: int) -> None:
    if any([dagster_dev.end_leftover(checkout), mlflow.end_leftover(checkout)]):
        say("ended what a killed ./atoll dev had left running")
    if not port_is_free(port):
        raise port_in_use(port, "--port")
    projects, service = discover_projects(checkout), mlflow_service(checkout)
    absent = {result.name for result in sync_with_progress([service, *projects]) if result.problem}
    with err.status("instance"):
        initialise_instance(checkout)
    elsewhere = find_tracking(checkout)
    if elsewhere:
        say(f"mlflow is the one of the setting tracking: {elsewhere}")
    server = None if elsewhere or service.name in absent else start_mlflow(checkout, mlflow_port, port)
    try:
        _serve_dagster(checkout, [project for project in projects if project.name not in absent], port, server)
    finally:
        if server:
            _stop(server)


def _serve_dagster(checkout: Checkout, projects: Sequence[Project], port: int, server: MlflowServer | None) -> None:
    environment = {"ATOLL_PAGE": f"http://127.0.0.1:{port}", **({"ATOLL_TRACKING": server.address} if server else {})}
    platform = _start(checkout, projects, port, environment)
    try:
        log = checkout.dev_log.relative_to(checkout.root)
        say(f"\n  page   {platform.page.address}\n  log    {log}\n  end    Ctrl-C\n")
        while True:
            platform.raise_if_ended()
            if server:
                server.look()
            time.sleep(0.5)
    except DagsterDevEnded as error:
        raise _ended(checkout, error) from None
    finally:
        if server:
            server.interrupt()
        _stop(platform)


def start_mlflow(checkout: Checkout, port: int, page_port: int) -> MlflowServer | None:
    """Start MLflow's server where its port is free; what it does later is told when the page is up."""

    def tell(problem: UserError) -> None:
        say("mlflow does not run; all else goes on without it", BAD)
        show_problem(problem)

    if port == page_port or not port_is_free(port):
        tell(port_in_use(port, "--mlflow-port"))
        return None
    return MlflowServer(checkout, port, lambda: say(f"  mlflow http://127.0.0.1:{port}\n"), tell)


def _start(checkout: Checkout, projects: Sequence[Project], port: int, environment: Mapping[str, str]) -> DagsterDev:
    """Start Dagster; when it dies of one project's environment, say of which and start it without."""
    if not projects:
        raise UserError(
            "there is no project that can start.",
            "code_locations/ has none, or each has the problem named above.",
            "mend one, then: ./atoll dev",
        )
    platform = DagsterDev(checkout, projects, port, **environment)
    try:
        with err.status("starting Dagster"):
            platform.wait_until_loaded(lambda location: _tell(checkout, location))
    except DagsterDevEnded as error:
        _stop(platform)
        problems = {project.name: problem for project in projects if (problem := probe_dagster(project))}
        if not problems:
            raise _ended(checkout, error) from None
        for name, problem in problems.items():
            say(f"{name} is left out", BAD)
            show_problem(problem)
        left = [project for project in projects if project.name not in problems]
        return _start(checkout, left, port, environment)
    except BaseException:
        _stop(platform)
        raise
    return platform


def _stop(running: DagsterDev | MlflowServer) -> None:
    try:
        with err.status("ending runs and servers (Ctrl-C once more: at once)"):
            running.stop()
    except KeyboardInterrupt:
        running.kill()


def _tell(checkout: Checkout, location: Location) -> None:
    if location.error is None:
        say(f"{location.name} is loaded", GOOD)
        return
    say(f"{location.name} is not loaded", BAD)
    how = f"mend code_locations/{location.name}, then Reload in the page under Deployment (it shows the traceback)"
    show_problem(location.explain(how))


def _runs_already(checkout: Checkout) -> UserError:
    record = read_record(checkout)
    pid = record["process"].partition(":")[0] if record else "?"
    address = record["address"] if record else "starting"
    return UserError(
        "the platform of this checkout runs already.",
        f"another ./atoll dev holds .atoll/dev.lock ({address}, Dagster is process {pid}).",
        "use that one, or end it with Ctrl-C in its terminal first.",
    )


def _ended(checkout: Checkout, error: DagsterDevEnded) -> UserError:
    said = last_error(checkout.dev_log.read_text(errors="replace"))
    return UserError(
        "the platform ended by itself.",
        f"{error}. {said or 'Its log has no error.'}",
        f"read {checkout.dev_log.relative_to(checkout.root)}, then: ./atoll doctor",
    )
