import os
import stat
from dataclasses import replace

import bcrypt
import pytest

from atoll_control.deployment import secrets
from atoll_control.deployment.secrets import find_user, prepare_secrets, read_login, require_own, secrets_folder
from atoll_control.errors import UserError
from atoll_control.projects import Project

MADE = ["postgres", "dagster.pgpass", "mlflow.pgpass", "login", "proxy/users"]


@pytest.fixture
def folder(checkout):
    return secrets_folder(checkout, "staging")


@pytest.fixture
def asking(checkout) -> Project:
    """A project that asks for a secret."""
    return Project("cars", checkout.code_locations / "cars", secrets=("API_KEY",))


def test_what_can_be_made_is_made_once_and_for_the_containers_user_alone(folder):
    made = prepare_secrets(folder, [])
    assert [str(path.relative_to(folder)) for path in made] == MADE
    before = {path: path.read_text() for path in made}
    assert prepare_secrets(folder, []) == []
    assert {path: path.read_text() for path in made} == before
    uid = 10001 if os.geteuid() == 0 else os.geteuid()
    for path in [folder, *folder.rglob("*")]:
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path
        assert path.stat().st_uid == uid, path
    assert find_user(folder) == f"{uid}:{folder.stat().st_gid}"


def test_the_proxy_accepts_the_login(folder):
    prepare_secrets(folder, [])
    login = read_login(folder)
    user, hashed = (folder / "proxy" / "users").read_text().split()
    assert user == login.user == "atoll"
    assert bcrypt.checkpw(login.password.encode(), hashed.encode())
    assert login.password not in hashed


def test_each_database_has_a_password_of_its_own_in_the_form_that_clients_read(folder):
    prepare_secrets(folder, [])
    entries = [(folder / f"{name}.pgpass").read_text().strip().split(":") for name in ("dagster", "mlflow")]
    assert [entry[:4] for entry in entries] == [["postgres", "5432", name, name] for name in ("dagster", "mlflow")]
    assert len({(folder / "postgres").read_text().strip(), *(entry[4] for entry in entries)}) == 3


def test_a_secret_that_only_a_person_has_is_asked_for_before_anything_is_made(folder, asking):
    with pytest.raises(UserError) as caught:
        prepare_secrets(folder, [asking])
    path = folder / "cars" / "API_KEY"
    assert caught.value.what == "cars has no secret API_KEY in staging."
    assert str(path) in caught.value.why
    assert str(path) in caught.value.how
    assert not folder.exists()


def test_a_secret_that_was_written_is_taken_and_shut(folder, asking):
    path = folder / "cars" / "API_KEY"
    path.parent.mkdir(parents=True)
    path.write_text("hunter2")
    path.chmod(0o644)
    assert path not in prepare_secrets(folder, [asking])
    assert path.read_text() == "hunter2"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert prepare_secrets(folder, [replace(asking, secrets=())]) == []


@pytest.mark.parametrize(("owner", "user"), [(0, 10001), (1000, 1000)])
def test_what_root_adds_is_for_whom_the_folder_belongs_to(folder, monkeypatch, owner, user):
    prepare_secrets(folder, [])
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    given = {}
    monkeypatch.setattr(os, "chown", lambda path, *ids: given.update({path: ids}))
    said = folder.stat()
    fields = [*said[:4], owner, owner, *said[6:]]
    monkeypatch.setattr(type(folder), "stat", lambda *_, **__: os.stat_result(fields))
    secrets._protect(folder / "login", folder)
    assert given == {folder / "login": (user, user)}


def test_secrets_of_another_user_are_told_with_whose_they_are(folder, monkeypatch):
    require_own(folder)
    prepare_secrets(folder, [])
    monkeypatch.setattr(os, "geteuid", lambda: 54321)
    with pytest.raises(UserError) as caught:
        require_own(folder)
    owner = folder.stat().st_uid
    assert caught.value.what == f"the secrets of staging belong to {secrets._find_name(owner)}."
    assert caught.value.how == "do it as that user, or with sudo."
    assert secrets._find_name(0) == "root"
    assert secrets._find_name(54321) == "the user with the number 54321"
    monkeypatch.setattr(os, "geteuid", lambda: owner)
    require_own(folder)


def test_a_secret_that_is_a_link_is_refused_and_what_it_leads_to_untouched(folder, tmp_path):
    prepare_secrets(folder, [])
    certificate = tmp_path / "fullchain.pem"
    certificate.write_text("")
    (folder / "proxy" / "tls.crt").symlink_to(certificate)
    with pytest.raises(UserError) as caught:
        require_own(folder)
    assert caught.value.what == "the secret proxy/tls.crt of staging is a link."
    assert caught.value.how.startswith(f"cp --remove-destination '{certificate}' '{folder}/proxy/tls.crt'")


def test_a_maker_that_dies_leaves_no_half_and_no_secret(folder, monkeypatch):
    def die(_):
        raise OSError("no room")

    monkeypatch.setitem(secrets._MAKERS, "login", die)
    with pytest.raises(OSError, match="no room"):
        prepare_secrets(folder, [])
    assert not (folder / "login").exists()
    monkeypatch.undo()
    assert folder / "login" in prepare_secrets(folder, [])


def test_a_login_that_is_not_there_is_told(folder):
    with pytest.raises(UserError) as caught:
        read_login(folder)
    assert caught.value.what == "the login of staging is not known."
    assert "./atoll up staging" in caught.value.how
