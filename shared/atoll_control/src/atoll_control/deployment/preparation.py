"""What an environment needs before its containers: secrets, a release, and every file that they read."""

from collections.abc import Sequence

from atoll_control.console import GOOD, say
from atoll_control.deployment.compose import render_compose
from atoll_control.deployment.mounts import require_readable
from atoll_control.deployment.release import Release, release_file, require_images, write_release
from atoll_control.deployment.secrets import prepare_secrets, read_login
from atoll_control.deployment.server import Server
from atoll_control.deployment.variables import write_variables
from atoll_control.docker import docker, require_network
from atoll_control.errors import UserError
from atoll_control.files import Checkout
from atoll_control.images.registry import NAME as REGISTRY
from atoll_control.images.registry import start_registry
from atoll_control.images.settings import read_build_settings
from atoll_control.projects import Project


def require_derived(checkout: Checkout, projects: Sequence[Project]) -> None:
    """Refuse a compose file that describes other projects.

    Raises:
        UserError: it has drifted.
    """
    if not checkout.compose.is_file() or checkout.compose.read_text(encoding="utf-8") != render_compose(projects):
        raise UserError(
            "deploy/compose.yaml has drifted.",
            "it does not describe exactly the folders under code_locations/, their limits and secrets.",
            "./atoll sync",
        )


def prepare(server: Server, projects: Sequence[Project], release: Release, added: Sequence[str]) -> None:
    """Write what the services read, and tell the login once: when it is made."""
    _require_passwords(server)
    require_certificate(server)
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


def require_certificate(server: Server) -> None:
    """Refuse to start without the certificate that the settings promise.

    Raises:
        UserError: it is not there.
    """
    folder = server.secrets / "proxy"
    if server.settings.tls == "files" and not all((folder / name).is_file() for name in ("tls.crt", "tls.key")):
        raise UserError(
            f"{server.name} has no certificate.",
            f'its settings say tls = "files", and {folder} has no tls.crt with a tls.key.',
            'put both there, or write tls = "internal" for one of the server\'s own.',
        )
