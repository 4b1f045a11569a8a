import os
from pathlib import Path
from types import SimpleNamespace

import pytest

from atoll_control.deployment.mounts import MOUNTED, mark_services, require_readable
from atoll_control.deployment.secrets import prepare_secrets, secrets_folder
from atoll_control.errors import UserError
from atoll_control.files import write_atomically
from atoll_control.projects import Project

PROJECTS = [Project("cars", Path("cars"), secrets=("API_KEY",)), Project("trips", Path("trips"))]


@pytest.fixture
def secrets(checkout) -> Path:
    """The secrets of an environment, beside the files that containers mount of the checkout."""
    for path in (checkout.deploy / part for part in MOUNTED if part.suffix or part.name == "Caddyfile"):
        write_atomically(path, "")
    folder = secrets_folder(checkout, "staging")
    write_atomically(folder / "cars" / "API_KEY", "1")
    prepare_secrets(folder, PROJECTS)
    return folder


class Foreign:
    """A folder of secrets of a user who owns nothing else."""

    def stat(self) -> SimpleNamespace:
        return SimpleNamespace(st_uid=54321, st_gid=54321)


@pytest.mark.parametrize(("part", "mode"), [("instance", 0o700), ("proxy/Caddyfile", 0o600)])
def test_what_the_containers_user_cannot_read_is_told(checkout, secrets, part, mode):
    (checkout.deploy / "instance").chmod(0o755)
    require_readable(checkout, Foreign())  # ty: ignore[invalid-argument-type]
    path = checkout.deploy / part
    path.chmod(mode)
    require_readable(checkout, path)  # Its owner reads it.
    with pytest.raises(UserError) as caught:
        require_readable(checkout, Foreign())  # ty: ignore[invalid-argument-type]
    assert caught.value.what == f"containers cannot read deploy/{part}."
    assert caught.value.why == f"they run as the user with the number 54321, and its mode is {mode:o}."
    assert caught.value.how == "chmod -R u=rwX,go=rX deploy"


def test_a_changed_file_makes_another_container_of_who_reads_it_alone(checkout, secrets):
    def changed(path: Path | None = None, library: str = "") -> set[str]:
        before = mark_services(checkout.deploy, secrets, "", PROJECTS)
        if path:
            os.utime(path, ns=(0, path.stat().st_mtime_ns + 1))
        return {
            name
            for name, mark in mark_services(checkout.deploy, secrets, library, PROJECTS).items()
            if mark != before[name]
        }

    assert changed() == set()
    assert changed(library="profile") == {"cars", "trips"}
    assert changed(secrets / "cars" / "API_KEY") == {"cars"}
    assert changed(secrets / "proxy" / "users") == {"proxy"}
    before = mark_services(checkout.deploy, secrets, "", PROJECTS)["proxy"]
    (checkout.deploy / "proxy" / "Caddyfile").write_text("another")
    assert mark_services(checkout.deploy, secrets, "", PROJECTS)["proxy"] != before
