from collections.abc import Callable

import pytest

from atoll_control.console import format_size
from atoll_control.errors import UserError
from atoll_control.files import Checkout
from atoll_control.places import laptop
from atoll_control.workflows import store

# Stands in for a project's interpreter: answers with one fault whose path is the name of the project.
INTERPRETER = """#!/bin/sh
echo '[{{"path": "{name}", "what": "damaged", "how": "mend it", "leftover": {leftover}}}]'
"""
REFUSING = """#!/bin/sh
echo '{"what": "a", "why": "b", "how": "c"}'
exit 2
"""


@pytest.fixture
def add_interpreter(add_project: Callable, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Make a project whose environment counts as healthy, with a stand-in for its interpreter."""
    monkeypatch.setattr(laptop, "environment_problem", lambda project: project.problem)

    def add(name: str, text: str = INTERPRETER, leftover: str = "false") -> None:
        python = add_project(name) / ".venv" / "bin" / "python"
        python.parent.mkdir(parents=True)
        python.write_text(text.format(name=name, leftover=leftover) if text is INTERPRETER else text)
        python.chmod(0o755)

    return add


def test_the_environment_of_operations_is_taken_where_there_is_one(checkout: Checkout, add_interpreter, capsys):
    add_interpreter("cars")
    assert store.verify_store(checkout, "", as_json=True) == 1
    assert '"path": "cars"' in capsys.readouterr().out
    add_interpreter("operations")
    assert store.verify_store(checkout, "", as_json=True) == 1
    assert '"path": "operations"' in capsys.readouterr().out


def test_what_a_killed_writer_left_is_no_fault(checkout: Checkout, add_interpreter, capsys):
    add_interpreter("cars", leftover="true")
    assert store.verify_store(checkout, "", as_json=False) == 0
    assert capsys.readouterr().out.splitlines() == ["leftover cars", "  damaged", "  mend it"]


def test_what_the_library_refuses_is_told(checkout: Checkout, add_interpreter):
    add_interpreter("cars", REFUSING)
    with pytest.raises(UserError) as caught:
        store.show_artefact(checkout, "cars/model", None, None, as_json=True)
    assert (caught.value.what, caught.value.why, caught.value.how) == ("a", "b", "c")


def test_without_a_healthy_project_the_cure_is_told(checkout: Checkout):
    with pytest.raises(UserError) as caught:
        store.list_store(checkout, "", None, as_json=True)
    assert caught.value.what == "the store cannot be looked into."
    assert caught.value.how == "./atoll sync"


@pytest.mark.parametrize(("size", "text"), [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (2.5e12, "2.5 TB")])
def test_sizes_are_for_people(size, text):
    assert format_size(size) == text
