"""`up`: an environment of the server, from its release, settings and secrets to a page with every location loaded."""

from collections.abc import Sequence

from atoll_control.console import BAD, GOOD, err, say, show_problem
from atoll_control.deployment.compose import render_compose
from atoll_control.deployment.mounts import require_readable
from atoll_control.deployment.release import Release, plan_release, release_file, require_images, write_release
from atoll_control.deployment.secrets import missing_secrets, prepare_secrets, read_login, require_own
from atoll_control.deployment.server import Server
from atoll_control.deployment.startup import fetch_certificate, start_containers, wait_until_loaded
from atoll_control.deployment.variables import write_variables
from atoll_control.docker import docker, require_engine, require_network
from atoll_control.errors import UserError
from atoll_control.files import Checkout
from atoll_control.graphql import Location
from atoll_control.images.registry import NAME as REGISTRY
from atoll_control.images.registry import start_registry
from atoll_control.images.settings import read_build_settings
from atoll_control.process import exclusive
from atoll_control.projects import Project, discover_projects


def up(checkout: Checkout, name: str, *, dry_run: bool) -> int:
    """Start an environment; return 1 when a location of it does not load."""
    server = Server(checkout, name)
    projects = [project for project in discover_projects(checkout) if not project.problem]
    _require_derived(checkout, projects)
    require_own(server.secrets)
    release, added = plan_release(checkout, name)
    if dry_run:
        _tell_plan(server, projects, release, added)
        return 0
    require_engine()
    with exclusive(server.folder / "lock") as free:
        if not free:
            raise UserError(f"{name} was not started.", "another command starts or stops it.", "wait for its end.")
        _prepare(server, projects, release, added)
        start_containers(server)
        with err.status("waiting for the page"):
            fetch_certificate(server)
            loaded = wait_until_loaded(server, projects, lambda location: _tell(location))
    _tell_addresses(server)
    return 0 if loaded else 1


def _require_derived(checkout: Checkout, projects: Sequence[Project]) -> None:
    if not checkout.compose.is_file() or checkout.compose.read_text(encoding="utf-8") != render_compose(projects):
        raise UserError(
            "deploy/compose.yaml has drifted.",
            "it does not describe exactly the folders under code_locations/, their limits and secrets.",
            "./atoll sync",
        )


def _tell_plan(server: Server, projects: Sequence[Project], release: Release, added: Sequence[str]) -> None:
    for path in missing_secrets(server.secrets, projects):
        say(f"would refuse: there is no secret {path.relative_to(server.checkout.root)}", BAD)
    if added:
        file = release_file(server.checkout, server.name).relative_to(server.checkout.root)
        say(f"would write {file} with the last build of {', '.join(added)}")
    for part, released in release.items():
        say(f"would run {part} as {released.image}")
    say(f"would run it at {server.address}")


def _prepare(server: Server, projects: Sequence[Project], release: Release, added: Sequence[str]) -> None:
    """Write what the services read, and tell the login once: when it is made."""
    _require_passwords(server)
    _require_certificate(server)
    settings = read_build_settings(server.checkout)
    require_network(REGISTRY)
    start_registry(server.checkout, settings)
    require_images(server.checkout, server.name, release, settings)
    made = prepare_secrets(server.secrets, projects)
    for path in made:
        say(f"made the secret {path.relative_to(server.checkout.root)}", GOOD)
    if server.secrets / "login" in made:
        login = read_login(server.secrets)
        say(f"  user {login.user}, password {login.password} (this is not shown again)")
    require_readable(server.checkout, server.secrets)
    if added:
        write_release(server.checkout, server.name, release)
        say(f"wrote {release_file(server.checkout, server.name).relative_to(server.checkout.root)}: commit it", GOOD)
    deploy = server.checkout.deploy
    write_variables(server.name, server.folder, server.secrets, deploy, server.settings, release, projects)


def _require_passwords(server: Server) -> None:
    """Refuse to make passwords beside databases that know others."""
    volume = f"atoll-{server.name}_database"
    if not (server.secrets / "dagster.pgpass").is_file() and docker("volume", "inspect", volume).code == 0:
        raise UserError(
            f"the passwords of the databases of {server.name} are not here.",
            f"the volume {volume} was made with others than {server.secrets} would get: by another checkout, perhaps.",
            f"bring that folder back, or use that checkout; to lose what they hold: docker volume rm {volume}",
        )


def _require_certificate(server: Server) -> None:
    folder = server.secrets / "proxy"
    if server.settings.tls == "files" and not all((folder / name).is_file() for name in ("tls.crt", "tls.key")):
        raise UserError(
            f"{server.name} has no certificate.",
            f'its settings say tls = "files", and {folder} has no tls.crt with a tls.key.',
            'put both there, or write tls = "internal" for one of the server\'s own.',
        )


def _tell(location: Location) -> None:
    if location.error is None:
        say(f"{location.name} is loaded", GOOD)
        return
    say(f"{location.name} is not loaded", BAD)
    how = f"mend code_locations/{location.name}, build it, and release it (the page shows the traceback)"
    show_problem(location.explain(how))


def _tell_addresses(server: Server) -> None:
    login = server.secrets / "login"
    say(f"\n  page   {server.address}\n  mlflow {server.address}/mlflow/\n  store  {server.address}/store/")
    say(f"  login  {login.relative_to(server.checkout.root)}")
    if server.certificate:
        say(f"  trust  {server.certificate.relative_to(server.checkout.root)} (who signed the page's certificate)")
    say("")
