"""`.github/workflows/delivery.yml`: what a merge sets off, derived from the projects; each step is one command."""

import shlex
from collections.abc import Sequence
from pathlib import Path

import yaml

from atoll_control.projects import Project

TEMPLATE = Path(__file__).with_name("delivery.template.yml")
MARKER = "      #: smoke\n"


def render_delivery(projects: Sequence[Project]) -> str:
    """Return the text of the workflow file."""
    steps = "".join(map(_render_smoke, _order(projects)))
    return TEMPLATE.read_text(encoding="utf-8").replace(MARKER, steps)


def _order(projects: Sequence[Project]) -> list[Project]:
    """Put who lends before who takes, as far as that goes, and keep the order otherwise."""
    known, ordered, seen = {project.name: project for project in projects}, list[Project](), set[str]()

    def visit(project: Project) -> None:
        if project.name not in seen:
            seen.add(project.name)
            for name in [key.partition("/")[0] for key in project.takes]:
                if name in known:
                    visit(known[name])
            ordered.append(project)

    for project in projects:
        visit(project)
    return ordered


def _render_smoke(project: Project) -> str:
    if project.smoke is None:
        return ""
    options = ["--select", project.smoke.select]
    if project.smoke.partition is not None:
        options += ["--partition", project.smoke.partition]
    command = shlex.join(["./atoll", "run", project.name, *options, "--env", "staging"])
    step = {"name": f"Try {project.name}", "run": command}
    text = yaml.safe_dump([step], sort_keys=False, width=float("inf"), allow_unicode=True)
    return "".join(f"      {line}\n" for line in text.splitlines())
