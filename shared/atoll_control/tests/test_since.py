import subprocess

import pytest

from atoll_control.deployment.history import History
from atoll_control.deployment.release import Released, read_release, write_release
from atoll_control.deployment.server import Server
from atoll_control.errors import UserError
from atoll_control.files import Checkout, write_atomically
from atoll_control.process import Output
from atoll_control.projects import discover_projects
from atoll_control.workflows import test as workflow
from atoll_control.workflows.since import Since
from atoll_control.workflows.sync import Synced

LIBRARY = '[project]\nname = "atoll"\nversion = "0.1.0"\n'
PLATFORM = """
[project]
name = "platform"
version = "0.1.0"

[tool.uv]
package = false

[tool.uv.sources]
atoll-control = { path = "shared/atoll_control" }
"""


def git(checkout: Checkout, *arguments: str) -> str:
    command = ["git", "-c", "user.name=Ada", "-c", "user.email=ada@example.org", "-c", "commit.gpgsign=false"]
    done = subprocess.run([*command, *arguments], cwd=checkout.root, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def commit(checkout: Checkout) -> str:
    git(checkout, "add", "--all")
    git(checkout, "commit", "--quiet", "--allow-empty", "--message", "A change")
    return git(checkout, "rev-parse", "HEAD")


@pytest.fixture
def deployed(checkout, add_project) -> Checkout:
    """Two projects on the library and the control plane, as staging runs them."""
    git(checkout, "init", "--quiet", "--initial-branch=main")
    checkout.pyproject.write_text(PLATFORM)
    for folder in (checkout.library, checkout.control):
        write_atomically(folder / "pyproject.toml", LIBRARY)
        write_atomically(folder / "src" / "code.py", "")
        write_atomically(folder / "tests" / "portable" / "test_code.py", "")
    for name in ("cars", "trips"):
        manifest = add_project(name) / "pyproject.toml"
        manifest.write_text(manifest.read_text() + '\n[tool.uv.sources]\natoll = { path = "../../shared/atoll" }\n')
        write_atomically(manifest.parent / "tests" / "test_it.py", "")
    write_atomically(checkout.environments / "staging.settings.toml", "")
    release(checkout, commit(checkout))
    return checkout


def release(checkout: Checkout, commit: str) -> None:
    image = f"127.0.0.1:5005/atoll/it@sha256:{'a' * 64}"
    write_release(checkout, "staging", {part: Released(image, commit, "") for part in ("control", "cars", "trips")})


def differing(checkout: Checkout, name: str = "staging") -> list[str]:
    since, projects = Since(checkout, name), discover_projects(checkout)
    own = [("library", since.library_differs(projects)), ("control", since.control_differs())]
    told = [project.name for project in projects if since.project_differs(project)]
    return told + [name for name, differs in own if differs]


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("code_locations/cars/src/cars/definitions.py", ["cars"]),
        ("code_locations/cars/src/cars/new.py", ["cars"]),
        ("code_locations/cars/tests/test_it.py", ["cars"]),
        ("shared/atoll/src/code.py", ["cars", "trips", "library"]),
        ("shared/atoll/tests/portable/test_code.py", ["cars", "trips", "library"]),
        ("shared/atoll/tests/test_own.py", ["library"]),
        ("shared/atoll_control/src/code.py", ["control"]),
        ("shared/atoll_control/tests/test_new.py", ["control"]),
        ("README.md", []),
        ("code_locations/cars/README.md", []),
    ],
)
def test_what_changed_is_told_before_and_after_it_is_committed(deployed, path, told):
    assert differing(deployed) == []
    write_atomically(deployed.root / path, "# another one")
    assert differing(deployed) == told
    commit(deployed)
    # Something else is merged in between.
    commit(deployed)
    assert differing(deployed) == told
    assert differing(deployed, "main") == []
    assert differing(deployed, "main~2") == told


@pytest.mark.parametrize("commit", ["5eed" * 10, "c0ffee+dirty"])
def test_what_runs_from_no_known_commit_differs(deployed, commit):
    release(deployed, commit)
    assert differing(deployed) == ["cars", "trips", "library", "control"]


def test_what_was_released_and_did_not_come_up_differs_still(deployed):
    history, before = History(Server(deployed, "staging").folder / "history"), read_release(deployed, "staging")
    told = {"verb": "deploy", "author": "Ada", "reason": "", "source": "5eed"}
    history.end(history.begin(**told, release=before, before={}), {})
    write_atomically(deployed.code_locations / "cars" / "src" / "cars" / "new.py", "")
    release(deployed, commit(deployed))
    begun = history.begin(**told, release=read_release(deployed, "staging"), before=before)
    assert differing(deployed) == ["cars"]
    history.end(begun, {"cars": "it does not load"})
    assert differing(deployed) == ["cars"]


def test_where_nothing_runs_everything_differs_and_what_is_neither_is_told(deployed):
    (deployed.environments / "staging.toml").unlink()
    assert differing(deployed) == ["cars", "trips", "library", "control"]
    for name in ("nowhere", "--all"):
        with pytest.raises(UserError, match="neither an environment nor a commit"):
            Since(deployed, name)


def test_only_the_suites_of_what_differs_run(deployed, monkeypatch, capsys):
    ran: list[str] = []

    def run(_, suite) -> Output:
        ran.append(suite.name)
        return Output(1 if suite.name == "cars" else 0, "", "")

    monkeypatch.setattr(workflow, "sync_with_progress", lambda projects: [Synced(each.name) for each in projects])
    monkeypatch.setattr(workflow, "_capture", run)
    assert workflow.test(deployed, [], "staging") == 0
    assert ran == []
    assert "differs from staging: nothing" in capsys.readouterr().err
    (deployed.code_locations / "trips" / "tests" / "test_new.py").touch()
    assert workflow.test(deployed, [], "staging") == 0
    assert sorted(ran) == ["atoll in trips", "trips"]
    (deployed.code_locations / "cars" / "src" / "cars" / "new.py").touch()
    (deployed.control / "src" / "code.py").unlink()
    ran.clear()
    assert workflow.test(deployed, [], "staging") == 1
    assert sorted(ran) == ["atoll in cars", "atoll in trips", "atoll_control", "cars", "trips"]
