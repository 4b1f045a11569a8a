"""The hook that builds what a commit changed, with a stand-in for the command."""

import os
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

HOOKS = Path(__file__).parents[3] / "deploy" / "hooks"
# As the command does, it builds once at a time.
ATOLL = """#!/bin/sh
mkdir .atoll/lock || exit 2
trap 'rmdir .atoll/lock' EXIT
printf '%s\\n' "$* ${GIT_INDEX_FILE-}" >>.atoll/called
while [ -e .atoll/slow ]; do sleep 0.05; done
[ ! -e .atoll/broken ]
"""


class Repository:
    def __init__(self, root: Path) -> None:
        self.root, self.state = root, root / ".atoll"

    def git(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        identity = ("-c", "user.name=Ada", "-c", "user.email=ada@example.org", "-c", "commit.gpgsign=false")
        return subprocess.run(
            ["git", *identity, *arguments], cwd=self.root, check=True, capture_output=True, text=True, timeout=30
        )

    def commit(self, text: str) -> str:
        """Commit one file alone, which has an index of its own, and return what was said."""
        (self.root / "code").write_text(text)
        self.git("add", "code")
        return self.git("commit", "--message", f"Change to {text}", "code").stderr

    def builds(self) -> list[str]:
        called = self.state / "called"
        return called.read_text().splitlines() if called.is_file() else []


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.fixture
def repository(tmp_path) -> Iterator[Repository]:
    """A checkout in which the hook is switched on."""
    repository = Repository(tmp_path)
    repository.git("init", "--quiet", "--initial-branch=main")
    (tmp_path / "atoll").write_text(ATOLL)
    (tmp_path / "atoll").chmod(0o755)
    (tmp_path / ".gitignore").write_text(".atoll/\n")
    repository.state.mkdir()
    repository.git("add", "--all")
    repository.git("commit", "--quiet", "--message", "Begin")
    repository.git("config", "core.hooksPath", str(HOOKS))
    yield repository
    (repository.state / "slow").unlink(missing_ok=True)


def test_the_hook_is_a_program():
    assert os.access(HOOKS / "post-commit", os.X_OK)


def test_a_commit_does_not_wait_for_its_build_and_says_where_it_is(repository):
    slow = repository.state / "slow"
    slow.touch()
    assert ".atoll/logs/build/commit.log" in repository.commit("1")
    wait_for(lambda: repository.builds() != [])
    # It sees nothing of the index that git made for this commit.
    assert repository.builds() == ["build --no-push "]
    # What is committed meanwhile is built afterwards, once.
    log = repository.state / "logs" / "build" / "commit.log"
    for text in ("2", "3"):
        repository.commit(text)
    wait_for(lambda: log.read_text().count("File exists") == 2)
    slow.unlink()
    wait_for(lambda: len(repository.builds()) == 2 and not (repository.state / "lock").exists())
    assert not (repository.state / "commit.waiting").exists()
    assert "Change to 1" in log.read_text()


def test_a_build_that_fails_is_no_matter_of_the_commit_and_is_tried_again_with_the_next(repository):
    broken, waiting = repository.state / "broken", repository.state / "commit.waiting"
    broken.touch()
    repository.commit("1")
    wait_for(lambda: len(repository.builds()) == 1 and waiting.exists())
    broken.unlink()
    repository.commit("2")
    wait_for(lambda: len(repository.builds()) == 2 and not waiting.exists())


def test_a_rebase_is_not_built_commit_by_commit(repository):
    repository.git("config", "core.hooksPath", "")
    for text in ("1", "2", "3"):
        repository.commit(text)
    repository.git("config", "core.hooksPath", str(HOOKS))
    repository.git("rebase", "--quiet", "--force-rebase", "HEAD~3")
    assert not (repository.state / "commit.waiting").exists()
    assert repository.builds() == []


def test_a_commit_from_before_the_command_is_left_alone(repository):
    (repository.root / "atoll").unlink()
    assert repository.commit("1") == ""
