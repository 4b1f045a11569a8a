"""`build`: the image of each project that changed, pushed and named by its digest."""

import dataclasses
import time
from typing import Any

from atoll_control.console import BAD, GOOD, err, say, show_json, show_problem
from atoll_control.errors import UserError
from atoll_control.files import Checkout
from atoll_control.images.building import build_image
from atoll_control.images.inputs import image_names
from atoll_control.images.plan import Step, plan_builds
from atoll_control.images.record import Image, write_build
from atoll_control.images.registry import start_registry
from atoll_control.images.settings import BuildSettings, read_build_settings
from atoll_control.process import exclusive, side_by_side
from atoll_control.projects import discover_projects, select_projects


@dataclasses.dataclass(frozen=True)
class Built:
    """What became of one step: an image, or a problem."""

    step: Step
    seconds: float
    image: Image | None = None
    problem: UserError | None = None


def build(checkout: Checkout, names: list[str], *, push: bool, dry_run: bool, as_json: bool) -> int:
    """Build the images of these names, or all, that are not as they were built last; exit 2 when one cannot be."""
    settings = read_build_settings(checkout)
    names = select_names(checkout, names)
    if dry_run:
        steps = plan_builds(checkout, settings, names, push=push, pull=False)
        if as_json:
            show_json([_describe(step) for step in steps])
            return 0
        for step in steps:
            say(f"would build {step.inputs.name}: {step.why}" if step.why else f"unchanged: {step.inputs.name}")
        return 0
    with exclusive(checkout.state / "build.lock") as free:
        if not free:
            raise UserError("nothing was built.", "another ./atoll build runs in this checkout.", "wait for its end.")
        if push:
            start_registry(checkout, settings)
        steps = plan_builds(checkout, settings, names, push=push, pull=True)
        results = _build_with_progress(checkout, settings, steps, push=push)
    if as_json:
        show_json([_describe(result.step, result) for result in results])
    return 2 if any(result.problem for result in results) else 0


def select_names(checkout: Checkout, names: list[str]) -> list[str]:
    """Return these names of images, or all of them, after telling which projects have none.

    Raises:
        UserError: a name is not that of an image.
    """
    known = image_names(checkout)
    if not names:
        for project in discover_projects(checkout):
            if project.problem:
                say(f"{project.name} is left out", BAD)
                show_problem(project.problem)
        return known
    for name in names:
        if name not in known:
            # It says which there are, or what is wrong with this one.
            raise select_projects(checkout, [name])[0].problem or RuntimeError(name)
    return list(dict.fromkeys(names))


def _build_with_progress(checkout: Checkout, settings: BuildSettings, steps: list[Step], *, push: bool) -> list[Built]:
    waiting = {step.inputs.name for step in steps if step.why}
    for step in steps:
        say(f"{step.inputs.name}: {step.why or 'unchanged'}")

    def work(step: Step) -> Built:
        started = time.monotonic()
        try:
            image = build_image(checkout, settings, step, push=push) if step.why else step.before
            return Built(step, time.monotonic() - started, image)
        except UserError as problem:
            return Built(step, time.monotonic() - started, problem=problem)

    def tell(result: Built) -> None:
        name = result.step.inputs.name
        if result.problem:
            say(f"image of {name}", BAD)
            show_problem(result.problem)
        elif result.image and result.step.why:
            write_build(checkout, result.image)
            say(f"image of {name} in {result.seconds:.1f} s: {result.image.reference}", GOOD)
        waiting.discard(name)
        status.update(_status(waiting))

    with err.status(_status(waiting)) as status:
        return side_by_side(work, steps, tell)


def _status(waiting: set[str]) -> str:
    return f"building: {', '.join(sorted(waiting))}" if waiting else "building"


def _describe(step: Step, result: Built | None = None) -> dict[str, Any]:
    said: dict[str, Any] = {"name": step.inputs.name, "why": step.why, "content": step.content}
    if result is None:
        return said
    problem, image = result.problem, result.image
    return said | {
        "reference": image and image.reference,
        "commit": image and image.commit,
        "lock": image and image.lock,
        "built": image and image.built,
        "seconds": round(result.seconds, 1),
        "problem": problem and {"what": problem.what, "why": problem.why, "how": problem.how},
    }
