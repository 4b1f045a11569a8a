"""The command line: one function a verb, options and exit codes; what they do is in `workflows`."""

import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from atoll_control.console import show_json, show_problem
from atoll_control.errors import UserError
from atoll_control.files import find_checkout

app = typer.Typer(
    name="atoll",
    help="Every project a Dagster code location in its own environment; one page over all.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    result_callback=lambda code: sys.exit(code),
)

Locations = Annotated[list[str] | None, typer.Argument(metavar="[LOCATION]...", help="code locations; none means all")]
Location = Annotated[str, typer.Argument(metavar="LOCATION", help="a code location")]
Json = Annotated[bool, typer.Option("--json", help="print JSON")]
Env = Annotated[
    str | None, typer.Option("--env", metavar="ENV", help="an environment of the server instead of this checkout")
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="only say what would be done")]


@app.command()
def dev(
    port: Annotated[int, typer.Option(min=1, max=65535, help="port of the page on 127.0.0.1")] = 3000,
    mlflow_port: Annotated[int, typer.Option(min=1, max=65535, help="port of MLflow on 127.0.0.1")] = 5000,
) -> int:
    """Install what is missing, start page, daemon, one code server per project and MLflow; Ctrl-C ends all."""
    from atoll_control.workflows.dev import dev

    return dev(find_checkout(), port, mlflow_port)


@app.command()
def test(
    locations: Locations = None,
    since: Annotated[
        str | None,
        typer.Option(metavar="ENV|COMMIT", help="only what differs from what an environment runs, or from a commit"),
    ] = None,
) -> int:
    """Run each project's tests in its own environment, then the platform's (without LOCATION)."""
    from atoll_control.workflows.test import test

    return test(find_checkout(), locations or [], since)


@app.command()
def update(dry_run: DryRun = False) -> int:
    """Bring this checkout to the newest commit of its branch elsewhere; what is here alone stays, or is in the way."""
    from atoll_control.workflows.update import update

    return update(find_checkout(), dry_run=dry_run)


@app.command()
def sync(locations: Locations = None, dry_run: DryRun = False) -> int:
    """Write the derived files and bring environments to their locks."""
    from atoll_control.workflows.sync import sync

    return sync(find_checkout(), locations or [], dry_run=dry_run)


@app.command()
def run(
    location: Location,
    select: Annotated[str, typer.Option(help="assets, in Dagster's selection syntax")] = "*",
    partition: Annotated[str | None, typer.Option(help="partition key, or FROM..TO")] = None,
    full: Annotated[bool, typer.Option("--full", help="all data instead of the sample")] = False,
    json: Json = False,
    dry_run: DryRun = False,
    env: Env = None,
) -> int:
    """Materialize assets without the page, in the project's environment and the same instance."""
    from atoll_control.workflows.run import run

    return run(
        find_checkout(),
        location,
        select=select,
        partition=partition,
        full=full,
        as_json=json,
        dry_run=dry_run,
        environment=env,
    )


@app.command()
def replay(
    location: Location,
    first: Annotated[str, typer.Option("--from", metavar="WEEK", help="partition key of the first week")],
    last: Annotated[str, typer.Option("--to", metavar="WEEK", help="partition key of the last week")],
    full: Annotated[bool, typer.Option("--full", help="all data instead of the sample")] = False,
    dry_run: DryRun = False,
    env: Env = None,
) -> int:
    """Let weeks of history arrive one by one on the running platform, which does the rest."""
    from atoll_control.workflows.replay import replay

    return replay(find_checkout(), location, first, last, full=full, dry_run=dry_run, environment=env)


@app.command(name="list")
def list_(json: Json = False, env: Env = None) -> int:
    """Say which code locations there are and whether each can start."""
    from atoll_control.workflows.list import list_locations

    return list_locations(find_checkout(), as_json=json, environment=env)


@app.command()
def check(json: Json = False) -> int:
    """Verify the checkout without starting anything; exit 1 when a claim does not hold."""
    from atoll_control.workflows.check import check

    return check(find_checkout(), as_json=json)


@app.command()
def doctor(json: Json = False) -> int:
    """Say what is wrong with this machine or this checkout, and the one command that mends it."""
    from atoll_control.workflows.doctor import doctor

    return doctor(find_checkout(), as_json=json)


@app.command()
def build(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="[LOCATION]...", help="code locations, control or mlflow; none means all"),
    ] = None,
    no_push: Annotated[bool, typer.Option("--no-push", help="leave the images on this machine")] = False,
    json: Json = False,
    dry_run: DryRun = False,
) -> int:
    """Build the image of each project that changed, push it to the registry, and name it by its digest."""
    from atoll_control.workflows.build import build

    return build(find_checkout(), names or [], push=not no_push, dry_run=dry_run, as_json=json)


Environment = Annotated[
    str, typer.Argument(metavar="ENV", help="an environment: deploy/environments/ENV.settings.toml")
]


@app.command()
def up(environment: Environment, dry_run: DryRun = False) -> int:
    """Start an environment of the server, every project in a container of its own, and say where it is."""
    from atoll_control.workflows.up import up

    return up(find_checkout(), environment, dry_run=dry_run)


@app.command()
def deploy(
    environment: Environment,
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="why, for the history")] = "",
    dry_run: DryRun = False,
) -> int:
    """Make a running environment what its release file says, each code server without a gap; exit 1 when one stays."""
    from atoll_control.workflows.deploy import deploy

    return deploy(find_checkout(), environment, reason=reason, dry_run=dry_run)


@app.command()
def down(environment: Environment, dry_run: DryRun = False) -> int:
    """Stop an environment and remove its containers; databases and store stay."""
    from atoll_control.workflows.down import down

    return down(find_checkout(), environment, dry_run=dry_run)


@app.command()
def status(environment: Environment, json: Json = False) -> int:
    """Say how the containers and code locations of an environment are, and what runs; exit 1 when one is not well."""
    from atoll_control.workflows.status import status

    return status(find_checkout(), environment, as_json=json)


@app.command()
def logs(
    environment: Environment,
    service: Annotated[str, typer.Argument(metavar="LOCATION", help="a code location, or another service")],
    lines: Annotated[int, typer.Option(min=1, help="how many of the last lines")] = 100,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="go on until Ctrl-C")] = False,
) -> int:
    """Show what the code server of a location, or another service of an environment, has printed."""
    from atoll_control.workflows.logs import logs

    return logs(find_checkout(), environment, service, lines=lines, follow=follow)


All = Annotated[bool, typer.Option("--all", help="every part: all code locations, control and mlflow")]
Reason = Annotated[str | None, typer.Option(metavar="TEXT", help="why, for the history")]


@app.command()
def release(
    names: Annotated[list[str], typer.Argument(metavar="[LOCATION] ENV", help="one code location or part, or --all")],
    everything: All = False,
    dry_run: DryRun = False,
) -> int:
    """Write what was built last into the release file of an environment; deploy makes it run."""
    from atoll_control.workflows.release import release

    if len(names) != (1 if everything else 2):
        raise typer.BadParameter("say LOCATION ENV, or --all ENV")
    return release(find_checkout(), None if everything else names[0], names[-1], dry_run=dry_run)


@app.command()
def promote(
    source: Annotated[str, typer.Option("--from", metavar="ENV", help="where it was tried")],
    target: Annotated[str, typer.Option("--to", metavar="ENV", help="where it is to run")],
    location: Annotated[str | None, typer.Argument(metavar="[LOCATION]", help="one location or part, or --all")] = None,
    everything: All = False,
    reason: Reason = None,
    dry_run: DryRun = False,
) -> int:
    """Let an environment run the very images that another one runs: write its release file, and deploy it."""
    from atoll_control.workflows.promote import promote

    if (location is None) != everything:
        raise typer.BadParameter("say LOCATION, or --all")
    return promote(find_checkout(), location, source, target, reason=reason, dry_run=dry_run)


@app.command(name="rollback")
def roll_back_image(
    location: Annotated[str, typer.Argument(metavar="LOCATION", help="a code location, or control or mlflow")],
    environment: Environment,
    to: Annotated[
        str | None,
        typer.Option(metavar="VERSION", help="the beginning of a digest or commit; by default what ran before"),
    ] = None,
    reason: Reason = None,
    dry_run: DryRun = False,
) -> int:
    """Let an environment run an image of a location that it ran before: write its release file, and deploy it."""
    from atoll_control.workflows.rollback import roll_back

    return roll_back(find_checkout(), location, environment, to=to, reason=reason, dry_run=dry_run)


@app.command()
def history(
    environment: Environment,
    last: Annotated[int, typer.Option("-n", min=1, help="how many of the last")] = 20,
    json: Json = False,
) -> int:
    """Say what was deployed to an environment, when, by whom and why, and what came of it."""
    from atoll_control.workflows.history import show_history

    return show_history(find_checkout(), environment, last=last, as_json=json)


@app.command()
def backup(
    environment: Environment,
    to: Annotated[
        Path | None, typer.Option(metavar="FILE", help="a file, or a folder for it; by default in .atoll/backups/")
    ] = None,
    json: Json = False,
) -> int:
    """Write databases, store, logs, release and history of an environment, as of one moment, into one file."""
    from atoll_control.workflows.backup import backup

    return backup(find_checkout(), environment, to, as_json=json)


@app.command()
def restore(
    environment: Environment,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="what ./atoll backup has written")],
    replace: Annotated[bool, typer.Option("--replace", help="remove what the environment has now")] = False,
    built: Annotated[
        bool, typer.Option("--built", help="take the last build of the images that the registry no longer has")
    ] = False,
    dry_run: DryRun = False,
) -> int:
    """Make an environment what it was in the moment of a backup, and start it."""
    from atoll_control.workflows.restore import restore

    return restore(find_checkout(), environment, file, replace=replace, built=built, dry_run=dry_run)


store = typer.Typer(help="Look into the store.", no_args_is_help=True)
app.add_typer(store, name="store")

Prefix = Annotated[str, typer.Argument(metavar="[PREFIX]", help="first parts of asset keys; none means all")]
Profile = Annotated[str | None, typer.Option(metavar="PROFILE", help="sample or full")]


@store.command(name="ls")
def list_store(prefix: Prefix = "", profile: Profile = None, json: Json = False, env: Env = None) -> int:
    """List what is current: rows, size, time and data version of each asset and partition."""
    from atoll_control.workflows.store import list_store

    return list_store(find_checkout(), prefix, profile, as_json=json, environment=env)


@store.command(name="show")
def show_artefact(
    key: Annotated[str, typer.Argument(metavar="KEY", help="an asset's key, such as vehicle_prices/model")],
    partition: Annotated[str | None, typer.Option(help="partition key")] = None,
    profile: Profile = None,
    json: Json = False,
    env: Env = None,
) -> int:
    """Show what one artefact was made by and from, where it is, its versions, and a table's first rows."""
    from atoll_control.workflows.store import show_artefact

    return show_artefact(find_checkout(), key, partition, profile, as_json=json, environment=env)


@store.command(name="verify")
def verify_store(prefix: Prefix = "", json: Json = False, env: Env = None) -> int:
    """Compare all that is stored with what was written; exit 1 when something is damaged or gone."""
    from atoll_control.workflows.store import verify_store

    return verify_store(find_checkout(), prefix, as_json=json, environment=env)


class _ModelsGroup(TyperGroup):
    """`models LOCATION` is `models show LOCATION`."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        known = bool(args) and args[0] in self.commands
        return super().resolve_command(ctx, args if known else ["show", *args])


models = typer.Typer(
    cls=_ModelsGroup, help="A project's models: LOCATION lists versions, aliases and decisions.", no_args_is_help=True
)
app.add_typer(models, name="models")


@models.command(name="show")
def show_models(
    location: Annotated[str, typer.Argument(metavar="LOCATION", help="the code location")],
    profile: Profile = None,
    json: Json = False,
    env: Env = None,
) -> int:
    """List the versions of a project's models with their figures and aliases, and what the gate decided."""
    from atoll_control.workflows.models import show_models

    return show_models(find_checkout(), location, profile, as_json=json, environment=env)


@models.command(name="rollback")
def roll_back(
    location: Location,
    to: Annotated[int | None, typer.Option(metavar="VERSION", help="by default the last that nobody took back")] = None,
    why: Annotated[str | None, typer.Option(metavar="TEXT", help="the reason, for the record")] = None,
    model: Annotated[str | None, typer.Option(metavar="NAME", help="where the location has several")] = None,
    dry_run: DryRun = False,
    json: Json = False,
    env: Env = None,
) -> int:
    """Make an earlier version champion again, from the next predictions on; the record says who asked, and why."""
    from atoll_control.workflows.models import roll_back

    return roll_back(find_checkout(), location, to, why, model, dry_run=dry_run, as_json=json, environment=env)


def main() -> None:
    """Run the command: exit 0 done, 1 a run, test or check failed, 2 something a person can mend."""
    try:
        app()
    except UserError as problem:
        if "--json" in sys.argv:
            show_json({"success": False, "what": problem.what, "why": problem.why, "how": problem.how})
        else:
            show_problem(problem)
        sys.exit(2)
