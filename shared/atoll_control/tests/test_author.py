import subprocess

import pytest

from atoll_control.author import find_author


@pytest.fixture(autouse=True)
def alone(tmp_path, monkeypatch):
    """Nobody's configuration but the checkout's own."""
    for name in ("GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "none"))
    monkeypatch.setenv("GIT_CONFIG_SYSTEM", str(tmp_path / "none"))


def configure(checkout, **said):
    subprocess.run(["git", "init", "--quiet"], cwd=checkout.root, check=True)
    for key, value in said.items():
        subprocess.run(["git", "config", f"user.{key}", value], cwd=checkout.root, check=True)


def test_the_author_is_who_git_would_write_into_a_commit(checkout, monkeypatch):
    configure(checkout, name="Operator", email="ops@example.org")
    assert find_author(checkout) == "Operator <ops@example.org>"
    monkeypatch.setenv("GIT_AUTHOR_NAME", "Ada")
    assert find_author(checkout) == "Ada <ops@example.org>"
    monkeypatch.setenv("GIT_AUTHOR_EMAIL", "ada@example.org")
    assert find_author(checkout) == "Ada <ada@example.org>"


def test_without_an_identity_it_is_the_user(checkout, monkeypatch):
    monkeypatch.setattr("getpass.getuser", lambda: "ops")
    configure(checkout)
    assert find_author(checkout) == "ops"
    configure(checkout, name="Operator")
    assert find_author(checkout) == "Operator"
