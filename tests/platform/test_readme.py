"""The README's commands, typed one after the other into a fresh store, as a newcomer does."""

import re
import shlex
from pathlib import Path

import pytest

from clone import ROOT, Clone

CONSOLE = re.compile(r"^```console\n(.*?)^```", re.MULTILINE | re.DOTALL)


def console_commands(text: str) -> list[str]:
    return [line[2:] for block in CONSOLE.findall(text) for line in block.splitlines() if line.startswith("$ ")]


# A clone is what these tests start from, `./atoll dev` is how (`first_start`), and `./atoll test` runs them.
COMMANDS = [
    command
    for command in console_commands((ROOT / "README.md").read_text())
    if command not in ("./atoll dev", "./atoll test") and not command.startswith(("git clone ", "cd "))
]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(tmp_path_factory.mktemp("store"))


def test_the_two_commands_stand_in_the_first_thirty_lines_beside_a_picture():
    lines = (ROOT / "README.md").read_text().splitlines()[:30]
    assert {"./atoll dev", "./atoll test"} <= set(console_commands("\n".join(lines)))
    (picture,) = re.findall(r"!\[.+\]\((.+?)\)", "\n".join(lines))
    assert (ROOT / picture).is_file()


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_does_what_it_says(idle_clone: Clone, store: str, command: str):
    done = idle_clone.run(*shlex.split(command), ATOLL_STORE=store)
    assert done.code == 0, done.text


@pytest.mark.parametrize("name", ["README.md", "docs/design.md", "docs/handover.md"])
def test_what_a_document_links_to_is_there(name):
    document = ROOT / name
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", document.read_text())
    assert [link for link in links if not Path(document.parent, link).exists()] == []
