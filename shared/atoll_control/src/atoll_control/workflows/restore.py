"""`restore`: an environment as it was in the moment of a backup, where there is none or instead of what there is."""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from atoll_control.backup import databases, volumes
from atoll_control.backup.archive import Archive
from atoll_control.backup.containers import list_containers, list_volumes, remove_all
from atoll_control.backup.versions import require_fit
from atoll_control.console import BAD, GOOD, err, format_size, say
from atoll_control.deployment.lock import held
from atoll_control.deployment.mounts import require_readable
from atoll_control.deployment.preparation import prepare, require_certificate, require_derived
from atoll_control.deployment.reconciliation import reconcile
from atoll_control.deployment.release import (
    Release,
    complete_release,
    is_there,
    parse_release,
    release_file,
    write_release,
)
from atoll_control.deployment.restoring import begin_restore, end_restore, interrupted_restore
from atoll_control.deployment.secrets import require_own, require_secrets
from atoll_control.deployment.server import Server
from atoll_control.deployment.settings import SUFFIX, list_environments
from atoll_control.docker import last_line, require_engine, require_network
from atoll_control.errors import UserError
from atoll_control.files import Checkout, write_atomically
from atoll_control.images.registry import NAME as REGISTRY
from atoll_control.images.registry import start_registry
from atoll_control.images.settings import read_build_settings
from atoll_control.process import interrupt_on_signals
from atoll_control.projects import Project, discover_projects


@dataclass(frozen=True)
class Plan:
    """What an environment is filled from, and the release that it runs then; parts in `built` are of the last build."""

    archive: Archive
    server: Server
    projects: Sequence[Project]
    release: Release
    built: Sequence[str]

    @property
    def moment(self) -> str:
        """When the backup was made, for people."""
        return f"{self.archive.manifest.moment:%Y-%m-%d %H:%M:%S} UTC"

    def start_again(self) -> str:
        """Return the command that begins this restore afresh."""
        return f"./atoll restore {self.server.name} {shlex.quote(str(self.archive.path))}"


def restore(checkout: Checkout, name: str, file: Path, *, replace: bool, built: bool, dry_run: bool) -> int:
    """Fill an environment from a backup, and start it; return 1 when a location of it does not load.

    With `replace` what the environment has is removed first; with `built` images of the last build stand in for those
    that are gone.
    """
    require_engine()
    interrupt_on_signals()
    with err.status(f"verifying {file}"):
        archive = Archive(file.absolute())
    with archive:
        _require_same(archive, name)
        _find_settings(checkout, name, archive, dry_run=dry_run)
        plan = _plan(checkout, name, archive, built=built)
        say(f"{file} is whole, and fits: {name} as of {plan.moment}", GOOD)
        if dry_run:
            _tell_plan(plan, replace=replace)
            return 0
        with held(plan.server, "restore"):
            _require_empty(plan, replace=replace)
            _fill(plan)
            say(f"{name} has what it had on {plan.moment}; starting it", GOOD)
            reason = f"as of {plan.moment}, from {file.name}"
            well = reconcile(plan.server, plan.projects, plan.release, "restore", reason)
    say(f"{name} is at {plan.server.address}; runs that went on at that moment end as failed", GOOD)
    return 0 if well else 1


def _require_same(archive: Archive, name: str) -> None:
    """Refuse the backup of another environment: what is in it knows where it belongs."""
    if archive.manifest.environment != name:
        other = archive.manifest.environment
        raise UserError(
            f"{name} was not restored.", f"{archive.path} is a backup of {other}.", f"./atoll restore {other} FILE"
        )


def _find_settings(checkout: Checkout, name: str, archive: Archive, *, dry_run: bool) -> None:
    """Take the settings that git has, and those of the backup only where it has none."""
    file, kept = checkout.environments / f"{name}{SUFFIX}", archive.read("settings.toml").decode()
    where = file.relative_to(checkout.root)
    if name in list_environments(checkout):
        if file.read_text(encoding="utf-8") != kept:
            say(f"{where} is not as in the backup: what it says here counts")
    elif dry_run:
        raise UserError(
            f"there is no {where} here.", "a restore would write that of the backup.", "leave out --dry-run."
        )
    else:
        write_atomically(file, kept)
        say(f"wrote {where} as in the backup: commit it", GOOD)


def _plan(checkout: Checkout, name: str, archive: Archive, *, built: bool) -> Plan:
    """Find out what would run, and refuse what could not; nothing of the environment is touched."""
    server = Server(checkout, name)
    projects = [project for project in discover_projects(checkout) if not project.problem]
    require_derived(checkout, projects)
    require_own(server.secrets)
    require_secrets(server.secrets, projects)
    require_certificate(server)
    if server.secrets.is_dir():
        require_readable(checkout, server.secrets)
    kept = parse_release(archive.read("release.toml").decode(), f"release.toml in {archive.path}")
    there, gone = _sort_images(checkout, kept)
    if gone and not built:
        raise UserError(
            f"{name} cannot run what the backup names.",
            f"the registry does not have its image of {', '.join(gone)}.",
            f"bring the registry's volume back, or check out {archive.manifest.commit or 'the commit of the backup'}, "
            "or a later one, ./atoll build, and restore with --built, which takes the last build of what is gone.",
        )
    release, added = complete_release(checkout, name, there)
    images = (server.settings.images.postgres, release["control"].image, release["mlflow"].image)
    with err.status("comparing versions"):
        require_fit(archive.manifest.versions, *images, environment=name)
    return Plan(archive, server, projects, release, added)


def _sort_images(checkout: Checkout, kept: Release) -> tuple[Release, list[str]]:
    """Return which part of a release can run here, and the names of what is gone."""
    settings = read_build_settings(checkout)
    require_network(REGISTRY)
    start_registry(checkout, settings)
    there = {part: released for part, released in kept.items() if is_there(settings, part, released)}
    return there, [part for part in kept if part not in there]


def _require_empty(plan: Plan, *, replace: bool) -> None:
    name = plan.server.name
    # What a restore that was stopped has left is nobody's.
    if replace or interrupted_restore(plan.server):
        return
    found = [*(found.service or found.id[:12] for found in list_containers(name)), *list_volumes(name)]
    if found:
        raise UserError(
            f"{name} was not restored.",
            f"it is there: {', '.join(found[:3])}{' and more' if len(found) > 3 else ''}; nothing was touched.",
            f"{plan.start_again()} --replace, which removes what {name} has now.",
        )


def _tell_plan(plan: Plan, *, replace: bool) -> None:
    name, server = plan.server.name, plan.server
    there = [*(found.service or "a run" for found in list_containers(name)), *list_volumes(name)]
    if there and not (replace or interrupted_restore(server)):
        say(f"would refuse: {name} is there, and is replaced only with --replace", BAD)
    for what in there:
        say(f"would remove {what}")
    for part, released in plan.release.items():
        say(f"would run {part} as {released.image}" + (" (the last build)" if part in plan.built else ""))
    for member, said in plan.archive.manifest.members.items():
        say(f"would take {member}, {format_size(said.size)}")


def _fill(plan: Plan) -> None:
    """Make everything anew, under the mark that it is not whole until the end."""
    server, name = plan.server, plan.server.name
    begin_restore(server, plan.start_again())
    with err.status(f"removing what {name} has"):
        remove_all(name)
    _write_files(plan)
    # It writes the release file again where a part is of the last build.
    prepare(server, plan.projects, plan.release, plan.built)
    with err.status("making the volumes"):
        output = server.compose("run", "--rm", "--no-deps", "--no-TTY", "prepare")
    if output.code:
        raise UserError(f"the volumes of {name} were not made.", f"{last_line(output)}.", plan.start_again())
    for volume in volumes.KEPT:
        with err.status(f"filling the volume {volume}"):
            with volumes.filling(server, plan.release["control"].image, volume) as stream:
                member = plan.archive.copy(f"volumes/{volume}.tar", stream)
        say(f"filled the volume {volume}, {format_size(member.size)}", GOOD)
    with err.status("starting PostgreSQL"):
        databases.start_databases(server)
    for database in databases.DATABASES:
        with err.status(f"filling the database {database}"), databases.filling(server, database) as stream:
            member = plan.archive.copy(f"databases/{database}.dump", stream)
        say(f"filled the database {database}, {format_size(member.size)}", GOOD)
    end_restore(server)


def _write_files(plan: Plan) -> None:
    """Write the release file into the checkout, and of the history what is not there."""
    server = plan.server
    file, text = release_file(server.checkout, server.name), plan.archive.read("release.toml").decode()
    if plan.built:
        write_release(server.checkout, server.name, plan.release)
    else:
        write_atomically(file, text)
    say(f"wrote {file.relative_to(server.checkout.root)} as in the backup: git diff shows what that changes", GOOD)
    for name in plan.archive.list("history"):
        document = server.folder / "history" / Path(name).name
        if not document.exists():
            write_atomically(document, plan.archive.read(name).decode())
