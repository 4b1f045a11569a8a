"""`backup`: everything that an environment keeps, as of one moment, in one file."""

import time
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

from atoll_control.backup.archive import create, draft_of
from atoll_control.backup.databases import DATABASES, Session
from atoll_control.backup.leftovers import mend_leftovers
from atoll_control.backup.manifest import Manifest, Member, Versions
from atoll_control.backup.moment import frozen
from atoll_control.backup.versions import find_program
from atoll_control.backup.volumes import KEPT, Keeper
from atoll_control.console import BAD, GOOD, err, format_size, say, show_json
from atoll_control.deployment.lock import held
from atoll_control.deployment.release import Release, read_release, release_file
from atoll_control.deployment.secrets import require_own
from atoll_control.deployment.server import Server
from atoll_control.deployment.settings import SUFFIX
from atoll_control.docker import require_engine
from atoll_control.errors import UserError
from atoll_control.files import Checkout
from atoll_control.images.tracked import find_commit
from atoll_control.process import interrupt_on_signals

FILE = "{name}-{moment:%Y%m%dT%H%M%SZ}.atoll-backup.zip"
# Services that run what another part of a release is.
SERVICES = {"control": "webserver"}


def backup(checkout: Checkout, name: str, to: Path | None, *, as_json: bool) -> int:
    """Write the backup of an environment that runs, which goes on meanwhile."""
    server = Server(checkout, name)
    require_own(server.secrets)
    require_engine()
    interrupt_on_signals()
    path = _choose_file(checkout, name, to)
    with held(server, "backup"):
        mend_leftovers(server)
        draft_of(path).unlink(missing_ok=True)
        for draft in path.parent.glob(draft_of(Path(f"{name}-*")).name):
            draft.unlink(missing_ok=True)
        manifest = _write(server, path)
    if as_json:
        show_json({"file": str(path), "size": path.stat().st_size, **manifest.model_dump(mode="json")})
    _tell(server, path, manifest)
    return 0


def _choose_file(checkout: Checkout, name: str, to: Path | None) -> Path:
    file = FILE.format(name=name, moment=datetime.now(UTC))
    if to is None:
        return checkout.state / "backups" / file
    return (to / file if to.is_dir() else to).absolute()


def _write(server: Server, path: Path) -> Manifest:
    running = {container.service: container.image for container in server.containers()}
    release = read_release(server.checkout, server.name)
    if not release:
        file = release_file(server.checkout, server.name).relative_to(server.checkout.root)
        raise UserError(
            f"{server.name} was not backed up.",
            f"there is no {file}, which says what it runs.",
            f"./atoll up {server.name}",
        )
    _tell_drift(server, release, running)
    control, mlflow = (_find_image(server, release, running, part) for part in ("control", "mlflow"))
    with create(path) as archive, ExitStack() as stack:
        with err.status("preparing"):
            programs = {"dagster": find_program("dagster", control)[0], "mlflow": find_program("mlflow", mlflow)[0]}
            sessions = {database: stack.enter_context(Session(server, database)) for database in DATABASES}
            keeper = stack.enter_context(Keeper(server, control))
        began = time.monotonic()
        with err.status("holding everything still"), frozen(server.name) as count:
            moment, files = datetime.now(UTC), _read_files(server)
            for session in sessions.values():
                session.take()
            keeper.keep()
        seconds = time.monotonic() - began
        say(f"held {count} containers still for {seconds:.1f} s; they go on", GOOD)
        versions = Versions(
            postgresql=sessions["dagster"].major(),
            schemas={database: session.schema() for database, session in sessions.items()},
            **programs,
        )
        for database, session in sessions.items():
            with err.status(f"saving the database {database}"), session.dump() as stream:
                _tell_member(f"database {database}", archive.copy(f"databases/{database}.dump", stream))
        for volume in KEPT:
            with err.status(f"saving the volume {volume}"), keeper.send(volume) as stream:
                _tell_member(f"volume {volume}", archive.copy(f"volumes/{volume}.tar", stream))
        for file, content in files.items():
            archive.add(file, content)
        return archive.finish(
            environment=server.name,
            moment=moment,
            frozen_seconds=round(seconds, 3),
            commit=_find_commit(server.checkout),
            versions=versions,
            store=server.settings.store,
        )


def _find_image(server: Server, release: Release, running: dict[str, str], part: str) -> str:
    image = running.get(SERVICES.get(part, part)) or (release[part].image if part in release else None)
    if image is None:
        raise UserError(
            f"{server.name} was not backed up.",
            f"it runs no {part}, and has no image of it.",
            f"./atoll up {server.name}",
        )
    return image


def _read_files(server: Server) -> dict[str, bytes]:
    """Return what git and the server have of an environment, by its name in the backup."""
    settings = server.checkout.environments / f"{server.name}{SUFFIX}"
    files = {"release.toml": release_file(server.checkout, server.name), "settings.toml": settings}
    files |= {f"history/{path.name}": path for path in sorted((server.folder / "history").glob("*.json"))}
    return {name: path.read_bytes() for name, path in files.items() if path.is_file()}


def _find_commit(checkout: Checkout) -> str | None:
    try:
        return find_commit(checkout, ["."])
    except UserError:
        # A checkout without git has none.
        return None


def _tell_drift(server: Server, release: Release, running: dict[str, str]) -> None:
    file = release_file(server.checkout, server.name).relative_to(server.checkout.root)
    for part, released in release.items():
        image = running.get(SERVICES.get(part, part))
        if image not in (None, released.image):
            say(f"{part} runs another image than {file} names; the backup has the file", BAD)


def _tell_member(what: str, member: Member) -> None:
    say(f"saved the {what}, {format_size(member.size)}", GOOD)


def _tell(server: Server, path: Path, manifest: Manifest) -> None:
    say(
        f"wrote {_shorten(server.checkout, path)}, {format_size(path.stat().st_size)}, of {manifest.moment:%F %T} UTC",
        GOOD,
    )
    if manifest.store:
        say(f"  not in it: the store {manifest.store}, whose own versions are its backup")
    secrets = server.secrets.relative_to(server.checkout.root)
    say(f"  not in it: the secrets; keep a copy of {secrets}/ elsewhere, and one of this file")


def _shorten(checkout: Checkout, path: Path) -> Path:
    return path.relative_to(checkout.root) if path.is_relative_to(checkout.root) else path
