import os
import subprocess
from pathlib import Path

import pytest

from atoll.storage import provenance


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with one commit, as the checkout; what was read before is forgotten."""
    environment = {"HOME": str(tmp_path), "GIT_CONFIG_GLOBAL": os.devnull, "PATH": os.environ["PATH"]}
    root = tmp_path / "checkout"
    root.mkdir()
    (root / "file").write_text("1")
    for command in (["init", "-q"], ["add", "file"], ["-c", "user.name=x", "-c", "user.email=x", "commit", "-qm", "x"]):
        subprocess.run(["git", *command], cwd=root, check=True, env=environment)
    monkeypatch.setenv("ATOLL_ROOT", str(root))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    provenance.begin_reading_commit.cache_clear()
    yield root
    provenance.begin_reading_commit.cache_clear()


def commit_of(root: Path) -> str:
    return subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=root, check=True, capture_output=True, text=True
    ).stdout.strip()


def test_the_commit_is_that_of_the_checkout(checkout):
    assert provenance.describe_origin("toy")["commit"] == commit_of(checkout)


def test_in_an_image_the_commit_is_what_it_was_built_from(checkout, monkeypatch):
    monkeypatch.setenv("ATOLL_COMMIT", "0123abcd+dirty")
    assert provenance.describe_origin("toy")["commit"] == "0123abcd+dirty"


def test_a_tag_does_not_hide_the_commit(checkout):
    subprocess.run(["git", "tag", "v1"], cwd=checkout, check=True)
    assert provenance.describe_origin("toy")["commit"] == commit_of(checkout)


def test_changes_are_told(checkout):
    (checkout / "file").write_text("2")
    assert provenance.describe_origin("toy")["commit"] == commit_of(checkout) + "+dirty"


def test_the_commit_is_read_once(checkout):
    before = provenance.describe_origin("toy")["commit"]
    (checkout / "file").write_text("2")
    assert provenance.describe_origin("toy")["commit"] == before


def test_without_git_the_commit_is_not_known(checkout, monkeypatch):
    monkeypatch.setenv("PATH", str(checkout))
    assert provenance.describe_origin("toy")["commit"] is None


def test_outside_of_a_repository_the_commit_is_not_known(checkout, tmp_path, monkeypatch):
    monkeypatch.setenv("ATOLL_ROOT", str(tmp_path))
    assert provenance.describe_origin("toy")["commit"] is None


def test_the_lock_is_that_of_the_project(checkout):
    assert provenance.describe_origin("no_lock")["lock"] is None
    lock = checkout / "code_locations" / "cars" / "uv.lock"
    lock.parent.mkdir(parents=True)
    lock.write_text("x")
    digest = "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"
    assert provenance.describe_origin("cars")["lock"] == digest


def test_the_image_is_that_of_the_environment(checkout, monkeypatch):
    assert provenance.describe_origin("toy")["image"] is None
    monkeypatch.setenv("DAGSTER_CURRENT_IMAGE", "registry/cars@sha256:1")
    assert provenance.describe_origin("toy")["image"] == "registry/cars@sha256:1"
