"""The registry: a container of this server, started when it is not there, or any other that the settings name."""

import time
import urllib.error
import urllib.request

from atoll_control.docker import compose, last_line, require_engine, require_network
from atoll_control.errors import UserError
from atoll_control.files import Checkout
from atoll_control.images.settings import BuildSettings

# Compose project, and the network in which the proxies of the environments find it.
NAME = "atoll-registry"
PATIENCE = 30.0

MANIFESTS = (
    "application/vnd.docker.distribution.manifest.v2+json, application/vnd.oci.image.manifest.v1+json, "
    "application/vnd.docker.distribution.manifest.list.v2+json, application/vnd.oci.image.index.v1+json"
)


def start_registry(checkout: Checkout, settings: BuildSettings) -> None:
    """Start the registry of this server, unless the settings name another one or it answers already."""
    if not settings.own_registry or answers(settings):
        return
    require_engine()
    require_network(NAME)
    port = settings.registry.partition(":")[2] or "5000"
    variables = {"ATOLL_REGISTRY_IMAGE": settings.registry_image, "ATOLL_REGISTRY_PORT": port}
    output = compose("-f", checkout.deploy / "registry" / "compose.yaml", "up", "--detach", env=variables)
    if output.code:
        raise UserError(
            "the registry cannot be started.",
            f"{last_line(output)}.",
            "mend that, or name another registry in deploy/build.toml.",
        )
    deadline = time.monotonic() + PATIENCE
    while not answers(settings):
        if time.monotonic() > deadline:
            raise UserError(
                "the registry was started and does not answer.",
                f"http://{settings.registry}/v2/ was asked for {PATIENCE:.0f} seconds.",
                f"docker logs {NAME}-registry-1",
            )
        time.sleep(0.2)


def answers(settings: BuildSettings) -> bool:
    """Say whether a registry listens there."""
    return _ask(settings, "") is not None


def holds(settings: BuildSettings, name: str, digest: str) -> bool:
    """Say whether the registry still has an image; one that cannot be asked counts as having it."""
    return _ask(settings, f"atoll/{name}/manifests/{digest}") != 404


def _ask(settings: BuildSettings, path: str) -> int | None:
    scheme = "http" if settings.own_registry else "https"
    request = urllib.request.Request(  # noqa: S310 - one of two schemes
        f"{scheme}://{settings.registry}/v2/{path}", method="HEAD" if path else "GET", headers={"Accept": MANIFESTS}
    )
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return None
