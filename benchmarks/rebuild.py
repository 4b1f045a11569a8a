"""Rebuild: `./atoll build` after a change of code, against a recipe that does everything in one step."""

import os
import secrets
import tempfile
import time
from pathlib import Path

from atoll_control.docker import CLIENT
from atoll_control.files import Checkout as Files
from atoll_control.images.record import read_builds
from atoll_control.images.settings import BuildSettings, read_build_settings
from checkout import Checkout
from figures import Figure
from registry import Layer, ask_docker, read_layers

LOCATION = "flights"
SECONDS, KILOBYTES = 1.0, 1000.0
# Notes what the command asks of Docker, and how long that takes.
TIMED_CLIENT = """#!/bin/sh
begin=$(date +%s%N)
{client} "$@"
code=$?
echo "$1 $(($(date +%s%N) - begin))" >>"{log}"
exit $code
"""


def measure(checkout: Checkout, rounds: int) -> Figure:
    """Change the same module for both, and build in turn; the first two rounds are not counted.

    What is built is looked at: that the change is in both images, and which layers neither the one before had. Half a
    gigabyte that the other has pushed is on the disk before one begins.
    """
    checkout.use({LOCATION: LOCATION})
    settings = read_build_settings(Files(checkout.root))
    ours, naive = [], []
    known: dict[str, Layer] = {}
    for _ in range(rounds + 2):
        token = change_code(checkout)
        for samples, build in ((ours, build_ours), (naive, build_naive)):
            os.sync()
            seconds, reference = build(checkout, settings)
            check_change(reference, token)
            layers = read_layers(reference)
            new = sum(layer.unpacked for digest, layer in layers.items() if digest not in known)
            known |= layers
            samples.append({**seconds, "bytes": new / 1e3})
    # The first was no rebuild.
    del ours[:2], naive[:2]
    figure = Figure("rebuild", "An image after a change of code")
    for label, samples in (("single-step Dockerfile", naive), ("./atoll build", ours)):
        mine = samples is ours
        figure.add(f"{label}: all, pushed", "s", [one["all"] for one in samples], SECONDS if mine else None)
        figure.add("  docker build", "s", [one["build"] for one in samples])
        figure.add("  docker push", "s", [one["push"] for one in samples])
        if mine:
            rest = [one["all"] - one["build"] - one["push"] for one in samples]
            figure.add("  everything else", "s", rest)
        figure.add("  new layers on disk", "kB", [one["bytes"] for one in samples], KILOBYTES if mine else None)
    figure.add_ratio("./atoll build / single-step", [one["all"] for one in ours], [one["all"] for one in naive])
    return figure


def change_code(checkout: Checkout, location: str = LOCATION) -> str:
    """Write a module that no image has had, and return what is in it."""
    token = secrets.token_hex(8)
    module = Files(checkout.root).code_locations / location / "src" / location / "changed.py"
    module.write_text(f'"""What changes from build to build."""\n\nTOKEN = "{token}"\n')
    return token


def build_ours(checkout: Checkout, _: BuildSettings) -> tuple[dict[str, float], str]:
    """Run `./atoll build`, and return where its seconds went and the image."""
    with tempfile.TemporaryDirectory(dir=checkout.root.parent) as folder:
        client, log = Path(folder) / "docker", Path(folder) / "log"
        client.write_text(TIMED_CLIENT.format(client=checkout.environment.get(CLIENT, "docker"), log=log))
        client.chmod(0o755)
        begin = time.perf_counter()
        checkout.run(["./atoll", "build", LOCATION], **{CLIENT: str(client)})
        seconds = {"all": time.perf_counter() - begin, "build": 0.0, "push": 0.0}
        for verb, nanoseconds in (line.split() for line in log.read_text().splitlines()):
            seconds[verb] = seconds.get(verb, 0.0) + int(nanoseconds) / 1e9
    return seconds, read_builds(Files(checkout.root))[LOCATION].reference


def build_naive(checkout: Checkout, settings: BuildSettings) -> tuple[dict[str, float], str]:
    """Build and push by the single-step recipe."""
    tag = f"{settings.repository('naive')}:latest"
    recipe = checkout.root / "benchmarks" / "naive.Dockerfile"
    options = [f"--file={recipe}", f"--tag={tag}", f"--build-arg=BASE={settings.base.replace('{python}', '3.11')}"]
    if settings.network:
        options.append(f"--network={settings.network}")
    if settings.certificate:
        options.append(f"--secret=id=ca,src={settings.certificate}")
        options += [f"--build-arg={name}=/run/secrets/ca" for name in ("PIP_CERT", "SSL_CERT_FILE")]
    begin = time.perf_counter()
    ask_docker("build", *options, str(checkout.root))
    built = time.perf_counter()
    ask_docker("push", tag)
    end = time.perf_counter()
    reference = ask_docker("image", "inspect", "--format={{index .RepoDigests 0}}", tag).strip()
    return {"all": end - begin, "build": built - begin, "push": end - built}, reference


def check_change(image: str, token: str) -> None:
    """Raise where an image does not have the code of this round."""
    look = f"from {LOCATION}.changed import TOKEN; print(TOKEN)"
    found = ask_docker("run", "--rm", "--network=none", "--entrypoint=python", image, "-c", look).strip()
    if found != token:
        raise RuntimeError(f"the code has {token}, and {image} has {found}")
