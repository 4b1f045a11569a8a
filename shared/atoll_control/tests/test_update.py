import subprocess
from pathlib import Path

import pytest

from atoll_control.errors import UserError
from atoll_control.files import Checkout
from atoll_control.workflows.update import update

GIT = ("git", "-c", "user.name=Ada", "-c", "user.email=ada@example.org", "-c", "commit.gpgsign=false")


def git(folder: Path, *arguments: str) -> str:
    done = subprocess.run([*GIT, *arguments], cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def commit(folder: Path, **files: str) -> None:
    for name, text in files.items():
        (folder / name).write_text(text)
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", f"Change {', '.join(files)}")


@pytest.fixture
def team(tmp_path) -> Path:
    """The repository that others push to."""
    git(tmp_path, "init", "--quiet", "--initial-branch=main", "team")
    commit(tmp_path / "team", code="1", release="1")
    return tmp_path / "team"


@pytest.fixture
def server(team, tmp_path) -> Checkout:
    git(tmp_path, "clone", "--quiet", str(team), "server")
    (tmp_path / "server" / ".atoll").mkdir()
    (tmp_path / "server" / ".atoll" / "secret").write_text("s")
    return Checkout(tmp_path / "server")


def read(checkout: Checkout, name: str) -> str:
    return (checkout.root / name).read_text()


def test_what_is_new_is_taken_and_what_is_here_alone_stays(team, server, capsys):
    assert update(server, dry_run=False) == 0
    assert "nothing is new on origin/main" in capsys.readouterr().err
    commit(team, code="2")
    (server.root / "release").write_text("promoted here")
    assert update(server, dry_run=True) == 0
    assert "would take from origin/main" in capsys.readouterr().err
    assert read(server, "code") == "1"
    assert update(server, dry_run=False) == 0
    assert "Change code" in capsys.readouterr().err
    assert [read(server, name) for name in ("code", "release", ".atoll/secret")] == ["2", "promoted here", "s"]


def test_what_was_changed_on_both_sides_is_named_and_kept(team, server):
    commit(team, release="2", code="2")
    (server.root / "release").write_text("promoted here")
    with pytest.raises(UserError) as caught:
        update(server, dry_run=False)
    assert caught.value.why == "what origin/main brings would overwrite what was changed here: release."
    assert [read(server, name) for name in ("code", "release")] == ["1", "promoted here"]


def test_a_new_file_on_both_sides_is_named_and_kept(team, server):
    commit(team, added="theirs")
    (server.root / "added").write_text("made here")
    with pytest.raises(UserError) as caught:
        update(server, dry_run=False)
    assert caught.value.why == "what origin/main brings would overwrite what was made here: added."
    assert caught.value.how == "commit and push that, or give it up: rm FILE"
    assert read(server, "added") == "made here"


def test_commits_that_were_not_pushed_are_named_and_kept(team, server):
    commit(team, code="2")
    commit(server.root, release="promoted here")
    with pytest.raises(UserError, match="it has commits that origin/main has not"):
        update(server, dry_run=False)
    assert [read(server, name) for name in ("code", "release")] == ["1", "promoted here"]


def test_a_checkout_that_follows_nothing_or_cannot_reach_it_is_told(server):
    git(server.root, "remote", "set-url", "origin", str(server.root / "nowhere"))
    with pytest.raises(UserError, match="origin/main cannot be fetched"):
        update(server, dry_run=False)
    git(server.root, "checkout", "--quiet", "--detach")
    with pytest.raises(UserError, match="it follows no branch"):
        update(server, dry_run=False)
