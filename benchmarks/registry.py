"""A registry for what is measured, with the layers of the images in it; gone afterwards, as those images are."""

import json
import os
import urllib.request
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from atoll_control.docker import docker
from atoll_control.files import Checkout as Files
from atoll_control.images.registry import MANIFESTS
from atoll_control.images.settings import read_build_settings
from atoll_control.process import port_is_free
from checkout import Checkout

NAME = "atoll-bench-registry"
PORTS = range(5015, 5090)


@dataclass(frozen=True)
class Layer:
    """Bytes of a layer, on the engine's disk and as the registry keeps it."""

    unpacked: int
    packed: int


@contextmanager
def own_registry(checkout: Checkout) -> Generator[None]:
    """Have images pushed to a registry that is removed with them at the end, unless ATOLL_REGISTRY names one."""
    if "ATOLL_REGISTRY" in os.environ:
        yield
        return
    address = f"127.0.0.1:{next(port for port in PORTS if port_is_free(port))}"
    image = read_build_settings(Files(checkout.root)).registry_image
    _remove(address)
    ask_docker("run", "--detach", f"--name={NAME}", f"--publish={address}:5000", image)
    # Of this process too, which asks Docker itself.
    os.environ["ATOLL_REGISTRY"] = checkout.environment["ATOLL_REGISTRY"] = address
    try:
        yield
    finally:
        del os.environ["ATOLL_REGISTRY"], checkout.environment["ATOLL_REGISTRY"]
        _remove(address)


def read_layers(reference: str) -> dict[str, Layer]:
    """Return the layers of an image that was built here and pushed, by digest."""
    repository, _, digest = reference.partition("@")
    manifest = _fetch(repository, "manifests", digest)
    if "manifests" in manifest:  # Docker from 29 on pushes a list, with the image first.
        manifest = _fetch(repository, "manifests", manifest["manifests"][0]["digest"])
    steps = _fetch(repository, "blobs", manifest["config"]["digest"])["history"]
    sizes = reversed(ask_docker("history", "--human=false", "--format={{.Size}}", reference).split())
    unpacked = [int(size) for step, size in zip(steps, sizes, strict=True) if not step.get("empty_layer")]
    layers = zip(manifest["layers"], unpacked, strict=True)
    return {layer["digest"]: Layer(size, layer["size"]) for layer, size in layers}


def ask_docker(*arguments: str) -> str:
    """Run the Docker client and return what it printed; what went wrong is raised with its output."""
    output = docker(*arguments)
    if output.code:
        raise RuntimeError(f"docker {' '.join(arguments)} ended with {output.code}:\n{output.stdout}{output.stderr}")
    return output.stdout


def _fetch(repository: str, kind: str, digest: str) -> dict[str, Any]:
    host, _, name = repository.partition("/")
    scheme = "http" if host.partition(":")[0] in ("127.0.0.1", "localhost") else "https"
    request = urllib.request.Request(f"{scheme}://{host}/v2/{name}/{kind}/{digest}", headers={"Accept": MANIFESTS})
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


def _remove(address: str) -> None:
    """Remove the registry, an earlier one too, and the images that this engine has under its name."""
    docker("rm", "--force", "--volumes", NAME)
    images = docker("images", "--quiet", "--no-trunc", f"--filter=reference={address}/atoll/*").stdout.split()
    if images:
        docker("image", "rm", "--force", *set(images))
