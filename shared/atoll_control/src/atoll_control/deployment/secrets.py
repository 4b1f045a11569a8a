"""Secrets of an environment: files of mode 600 under `.atoll/secrets/ENV/`, made where they can be, never in git."""

import os
import pwd
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import bcrypt

from atoll_control.errors import UserError
from atoll_control.files import Checkout
from atoll_control.projects import Project

USER = "atoll"
# Whom files and containers belong to where the command is root's: the images' own user.
UNPRIVILEGED = 10001


@dataclass(frozen=True)
class Login:
    """What the proxy asks for."""

    user: str
    password: str

    def __str__(self) -> str:
        """As in the file, and as `curl --user` takes it."""
        return f"{self.user}:{self.password}"


def secrets_folder(checkout: Checkout, name: str) -> Path:
    """Return where the secrets of an environment are, whether or not there are any."""
    return checkout.state / "secrets" / name


def require_own(folder: Path) -> None:
    """Refuse secrets that are not this user's to read, and those that are elsewhere.

    Raises:
        UserError: one belongs to another user, or is a link.
    """
    for path in [folder, *sorted(folder.rglob("*"))] if folder.exists() else []:
        if path.is_symlink() and path != folder:
            raise UserError(
                f"the secret {path.relative_to(folder)} of {folder.name} is a link.",
                f"what it leads to, {path.resolve()}, is not in the containers, and is not for their user alone.",
                f"cp --remove-destination '{path.resolve()}' '{path}', again whenever that changes.",
            )
        owner = path.stat().st_uid
        if os.geteuid() not in (0, owner):
            raise UserError(
                f"the secrets of {folder.name} belong to {_find_name(owner)}.",
                f"{path} is not this user's, and only its owner reads it.",
                "do it as that user, or with sudo.",
            )


def missing_secrets(folder: Path, projects: Sequence[Project]) -> list[Path]:
    """Return the files that only a person can write and has not: what projects list under `secrets`."""
    wanted = [folder / project.name / secret for project in projects for secret in project.secrets]
    return [path for path in wanted if not path.is_file()]


def require_secrets(folder: Path, projects: Sequence[Project]) -> None:
    """Refuse to go on without the secrets that only a person can write.

    Raises:
        UserError: a project asks for one that is not there.
    """
    if missing := missing_secrets(folder, projects):
        raise _explain(folder, missing[0])


def prepare_secrets(folder: Path, projects: Sequence[Project]) -> list[Path]:
    """Make the secrets that are not there and can be made, and give all to the containers' user alone.

    Returns:
        What was made.

    Raises:
        UserError: a project asks for one that is not there.
    """
    require_secrets(folder, projects)
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.mkdir(exist_ok=True, mode=0o700)
    made = [path for path in (_make(folder, name) for name in _MAKERS) if path]
    for path in [folder, *folder.rglob("*")]:
        _protect(path, folder)
    return made


def read_login(folder: Path) -> Login:
    """Return the login that was made.

    Raises:
        UserError: there is none.
    """
    try:
        user, _, password = (folder / "login").read_text(encoding="utf-8").strip().partition(":")
    except OSError as error:
        raise UserError(
            f"the login of {folder.name} is not known.",
            f"{folder / 'login'}: {error.strerror}.",
            f"./atoll up {folder.name} makes it; it is there for who owns that folder.",
        ) from error
    return Login(user, password)


def find_user(folder: Path) -> str:
    """Return `uid:gid` of the containers: whom the secrets belong to."""
    owner = folder.stat()
    return f"{owner.st_uid}:{owner.st_gid}"


def _make(folder: Path, name: str) -> Path | None:
    path = folder / name
    if path.is_file():
        return None
    path.parent.mkdir(exist_ok=True, mode=0o700)
    # Readable for nobody else from its first moment on, and never half.
    draft = path.with_name(f".{path.name}")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(_MAKERS[name](folder) + "\n")
    return draft.rename(path)


def _make_password(_: Path) -> str:
    return secrets.token_urlsafe(24)


def _make_pgpass(database: str) -> str:
    return f"postgres:5432:{database}:{database}:{secrets.token_urlsafe(24)}"


def _make_users(folder: Path) -> str:
    login = read_login(folder)
    return f"{login.user} {bcrypt.hashpw(login.password.encode(), bcrypt.gensalt(10)).decode()}"


# In this order: the line of users is made of the login.
_MAKERS = {
    "postgres": _make_password,
    "dagster.pgpass": lambda _: _make_pgpass("dagster"),
    "mlflow.pgpass": lambda _: _make_pgpass("mlflow"),
    "login": lambda _: str(Login(USER, secrets.token_urlsafe(18))),
    # Those of the proxy are in a folder, to which a person may add: more users, and tls.crt and tls.key.
    "proxy/users": _make_users,
}


def _protect(path: Path, folder: Path) -> None:
    """Shut a secret, and where root makes it give it to whom the folder belongs to, which comes first."""
    path.chmod(0o700 if path.is_dir() else 0o600)
    if os.geteuid() == 0:
        owner = folder.stat()
        user, group = (owner.st_uid, owner.st_gid) if owner.st_uid else (UNPRIVILEGED, UNPRIVILEGED)
        os.chown(path, user, group)


def _find_name(user: int) -> str:
    try:
        return pwd.getpwuid(user).pw_name
    except KeyError:
        return f"the user with the number {user}"


def _explain(folder: Path, path: Path) -> UserError:
    location, secret = path.parts[-2:]
    return UserError(
        f"{location} has no secret {secret} in {folder.name}.",
        f"its pyproject.toml lists it under [tool.atoll] secrets, and there is no file {path}.",
        f"(umask 077; mkdir -p '{path.parent}'; cat > '{path}'): write the value, then Ctrl-D.",
    )
