"""Building: one image, from a staged copy of what goes in, pushed and named by its digest."""

import os
import re
import shutil
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from atoll_control.docker import docker, last_line
from atoll_control.environments import UNREACHABLE, explain_sync, uv
from atoll_control.errors import UserError
from atoll_control.files import Checkout, write_atomically
from atoll_control.images.inputs import CONTROL, DOCKERFILE, INSTALL, Inputs
from atoll_control.images.plan import Step
from atoll_control.images.record import Image
from atoll_control.images.settings import BuildSettings
from atoll_control.images.tracked import DIRTY, find_commit
from atoll_control.process import Output, side_by_side


def build_image(checkout: Checkout, settings: BuildSettings, step: Step, *, push: bool) -> Image:
    """Build one image, push it, and return what it is called.

    Raises:
        UserError: when it cannot be built or pushed.
    """
    inputs = step.inputs
    _check_lock(checkout, step)
    repository = settings.repository(inputs.name)
    commit = find_commit(checkout, inputs.pathspecs)
    # A commit says what is in an image only when nothing else went in.
    names = [step.content] if commit is None or commit.endswith(DIRTY) else [step.content, commit]
    tags = [f"{repository}:{name[:12]}" for name in names]
    lock = inputs.files[inputs.lock]
    with tempfile.TemporaryDirectory(prefix="atoll-build-") as folder:
        stage(checkout, inputs, Path(folder))
        output = docker(*_command(checkout, settings, step, tags, commit or "", lock), folder)
    log = checkout.state / "logs" / "build" / f"{inputs.name}.log"
    write_atomically(log, output.stdout + output.stderr)
    if output.code:
        raise explain_build(inputs, output, str(log.relative_to(checkout.root)))
    reference = f"{repository}@{_push(inputs.name, tags)}" if push else tags[0]
    built = datetime.now(UTC).isoformat(timespec="seconds")
    return Image(inputs.name, reference, step.content, commit, lock, built, base=step.identity, files=inputs.files)


def stage(checkout: Checkout, inputs: Inputs, context: Path) -> None:
    """Copy what goes in: manifests, other packages and the project apart, so that each step sees only what it needs."""
    project, *others = inputs.packages
    parts = {"manifests": (), "library": others, "project": (project,), "root": ()}
    for part in parts:
        (context / part).mkdir()
    _copy(checkout.root / INSTALL, context / "install")
    for path in inputs.files:
        if path in inputs.copied:
            _copy(checkout.root / path, context / "root" / inputs.copied[path])
        if path in inputs.manifests:
            _copy(checkout.root / path, context / "manifests" / path)
        for part, packages in parts.items():
            if any(path.startswith(f"{package.folder}/") for package in packages):
                _copy(checkout.root / path, context / part / path)
    for part, packages in parts.items():
        for package in packages:
            # A build backend wants the readme that the manifest names; what is in it does not matter.
            if package.readme:
                readme = context / part / package.path(package.readme)
                readme.parent.mkdir(parents=True, exist_ok=True)
                readme.touch()
    # Whatever the checkout's own permissions: everybody may read what is in an image.
    for path in context.rglob("*"):
        path.chmod(0o755 if path.is_dir() or os.access(path, os.X_OK) else 0o644)


def explain_build(inputs: Inputs, output: Output, log: str) -> UserError:
    """Turn what the build printed into what, why and how."""
    what = f"the image of {inputs.name} cannot be built."
    text = output.stdout + output.stderr
    low = text.lower()
    if "group `server` is not defined" in low:
        return UserError(
            what,
            "its pyproject.toml does not say what it needs on a server.",
            'write server = ["atoll[s3]", "dagster-postgres>=0.29,<0.30"] under [dependency-groups], then: '
            f"./atoll uv lock --project {inputs.folder}",
        )
    if "no space left" in low:
        return UserError(
            what, "the disk is full.", "make room (docker system df says what is in use), then build again."
        )
    if "buildx" in low and "missing or broken" in low:
        return UserError(what, "Docker's client has no BuildKit.", "install its plugin buildx (docker-buildx-plugin).")
    if any(sign in low for sign in UNREACHABLE):
        return UserError(
            what, "the package index cannot be reached from within a build.", f"connect to a network; see {log}"
        )
    said = re.search(r"\berror: (.+)", text, re.IGNORECASE)
    return UserError(what, f"{said[1] if said else last_line(output)}.", f"see {log}, mend that, then build again.")


def _check_lock(checkout: Checkout, step: Step) -> None:
    """Raise a UserError where the lock does not fit, which within a build ends with less clear a message.

    One that was built with the same manifests fits.
    """
    inputs, before = step.inputs, step.before.files if step.before else {}
    if before and all(before.get(path) == inputs.files.get(path) for path in inputs.manifests):
        return
    folder = checkout.root / inputs.folder
    output = uv("lock", "--check", cwd=folder)
    if output.code:
        problem = explain_sync(inputs.name, folder, output)
        how = "./atoll uv lock" if inputs.name == CONTROL else problem.how
        raise UserError(f"the image of {inputs.name} cannot be built.", problem.why, how)


def _command(
    checkout: Checkout, settings: BuildSettings, step: Step, tags: list[str], commit: str, lock: str
) -> list[str | Path]:
    inputs = step.inputs
    project, *others = inputs.packages
    arguments = {
        "BASE": step.base,
        "FOLDER": project.folder,
        "PROJECT": project.folder if project.is_package else "",
        "LIBRARIES": " ".join(package.folder for package in others if package.is_package),
        "COMMIT": commit,
    }
    labels = {
        "atoll.project": inputs.name,
        "atoll.lock": lock,
        "atoll.content": step.content,
        "org.opencontainers.image.revision": commit,
    }
    command: list[str | Path] = ["build", "--progress=plain", "--file", checkout.root / DOCKERFILE]
    command.append(f"--target={'control' if inputs.name == CONTROL else 'project'}")
    if settings.network:
        command.append(f"--network={settings.network}")
    if settings.certificate:
        command.append(f"--secret=id=ca,src={settings.certificate}")
        arguments |= {"PIP_CERT": "/run/secrets/ca", "SSL_CERT_FILE": "/tmp/ca"}  # noqa: S108 - in the image
    command += [f"--build-arg={name}={value}" for name, value in arguments.items()]
    command += [f"--label={name}={value}" for name, value in labels.items()]
    command += [f"--tag={tag}" for tag in tags]
    return command


def _push(name: str, tags: list[str]) -> str:
    """Push all tags of one image and return the digest that the registry gave it."""
    outputs = side_by_side(lambda tag: docker("push", tag), tags, lambda _: None)
    for tag, output in zip(tags, outputs, strict=True):
        if output.code:
            raise UserError(
                f"the image of {name} cannot be pushed.",
                f"{last_line(output)}.",
                f"docker push {tag} tells more; without a registry: ./atoll build --no-push {name}",
            )
    found = re.findall(r"digest: (sha256:[0-9a-f]{64})", outputs[-1].stdout)
    if not found:
        raise RuntimeError(f"docker push named no digest: {outputs[-1].stdout}")
    return found[-1]


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(source, target)
