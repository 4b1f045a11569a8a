"""What `release`, `promote`, `rollback` and `history` do, without an engine."""

import json
import shutil
from collections.abc import Callable, Iterator

import pytest
from stand_in_deployments import PARTS, Engine, image, images, stand_in

from atoll_control.deployment.compose import render_compose
from atoll_control.deployment.history import Deployment, History
from atoll_control.deployment.release import Release, read_release, release_file, write_release
from atoll_control.deployment.server import Server
from atoll_control.errors import UserError
from atoll_control.files import write_atomically
from atoll_control.images.inputs import read_inputs
from atoll_control.images.record import Image, write_build
from atoll_control.process import exclusive
from atoll_control.projects import discover_projects
from atoll_control.workflows import replacement
from atoll_control.workflows.history import show_history
from atoll_control.workflows.promote import promote
from atoll_control.workflows.release import release
from atoll_control.workflows.rollback import roll_back


@pytest.fixture
def engine(checkout, add_project, monkeypatch) -> Engine:
    return stand_in(checkout, add_project, monkeypatch)


@pytest.fixture
def build(checkout, engine) -> Callable[..., None]:
    """Record a build of what is here."""

    def add(part: str, digit: str, **said: str) -> None:
        files = read_inputs(checkout, part).files
        found = image(part, digit)
        known = {"reference": found.image, "commit": found.commit or "", "lock": found.lock} | said
        write_build(checkout, Image(name=part, content="content", built="2026-11-26T10:00:00Z", files=files, **known))

    return add


@pytest.fixture
def deploy(checkout, engine) -> Callable[..., int]:
    """Write a release and deploy it."""

    def run(name: str, wanted: Release) -> int:
        write_release(checkout, name, wanted)
        server = Server(checkout, name)
        with replacement.changing(server, "deploy", dry_run=False):
            return replacement.deploy_held(server, [], verb="deploy", reason="by hand")

    return run


@pytest.fixture
def freeze(checkout, engine) -> Iterator[Callable[[], None]]:
    """From the call to the end of the test neither release file may change, and nothing may be deployed."""

    def state() -> tuple[int, list[str | None]]:
        files = [release_file(checkout, name) for name in ("staging", "production")]
        return len(engine.deployed), [file.read_text() if file.is_file() else None for file in files]

    frozen = []
    yield lambda: frozen.append(state())
    assert frozen == [state()]


def test_a_release_takes_one_part_of_the_last_build_and_keeps_the_others(checkout, build, capsys):
    write_release(checkout, "staging", images("a"))
    build("cars", "b")
    assert release(checkout, "cars", "staging", dry_run=False) == 0
    assert read_release(checkout, "staging") == images("a") | {"cars": image("cars", "b")}
    said = capsys.readouterr().err
    assert "cars: aaaaaaaaaaaa (c0ffeea0) -> bbbbbbbbbbbb (c0ffeeb0)" in said
    assert "trips" not in said
    assert "./atoll deploy staging" in said
    release(checkout, "cars", "staging", dry_run=False)
    assert "staging.toml says that already" in capsys.readouterr().err


def test_a_dry_run_of_a_release_tells_the_difference_and_writes_nothing(checkout, build, capsys):
    build("cars", "b")
    release(checkout, "cars", "staging", dry_run=True)
    assert "cars: nothing -> bbbbbbbbbbbb (c0ffeeb0)" in capsys.readouterr().err
    assert not release_file(checkout, "staging").exists()


def test_a_release_of_all_has_every_part_and_drops_what_is_gone(checkout, build, capsys):
    write_release(checkout, "staging", {"ships": image("ships", "a")} | images("a"))
    for part in PARTS:
        build(part, "b")
    release(checkout, None, "staging", dry_run=False)
    assert read_release(checkout, "staging") == images("b")
    assert "ships: aaaaaaaaaaaa (c0ffeea0) -> nothing" in capsys.readouterr().err


def test_a_project_that_cannot_be_read_keeps_its_image(checkout, build, capsys):
    write_release(checkout, "staging", images("a"))
    for part in PARTS[:2]:
        build(part, "b")
    (checkout.code_locations / "trips" / "pyproject.toml").write_text("[")
    release(checkout, None, "staging", dry_run=False)
    assert read_release(checkout, "staging") == images("b") | {"trips": image("trips", "a")}
    assert "trips is left out" in capsys.readouterr().err


def test_what_was_never_built_or_never_pushed_or_is_lost_is_not_released(checkout, build, engine, freeze):
    freeze()
    for part in PARTS[:2]:
        build(part, "b")
    for location, why in ((None, "it was never built here"), ("trips", "it was never built here")):
        with pytest.raises(UserError, match=why) as caught:
            release(checkout, location, "staging", dry_run=False)
        assert caught.value.how == "./atoll build trips"
    engine.lost = {"cars"}
    with pytest.raises(UserError, match="is not in the registry any more"):
        release(checkout, "cars", "staging", dry_run=False)
    build("cars", "b", reference="127.0.0.1:5005/atoll/cars:c0ffee")
    with pytest.raises(UserError, match="was not pushed to a registry"):
        release(checkout, "cars", "staging", dry_run=False)
    with pytest.raises(UserError, match="there is no code location boats"):
        release(checkout, "boats", "staging", dry_run=False)
    with pytest.raises(UserError, match="there is no environment nowhere"):
        release(checkout, "cars", "nowhere", dry_run=False)


def test_what_has_changed_since_or_is_in_no_commit_is_released_with_a_warning(checkout, build, capsys):
    build("cars", "b", commit="c0ffee+dirty")
    (checkout.code_locations / "cars" / "src" / "cars" / "new.py").touch()
    assert release(checkout, "cars", "staging", dry_run=False) == 0
    said = capsys.readouterr().err
    assert "cars has changed since it was built: code_locations/cars/src/cars/new.py (" in said
    assert "cars was built with files that no commit has" in said
    assert "(c0ffee+dirty)" in said


def test_a_promotion_copies_one_image_and_deploys_it_with_the_reason(checkout, deploy, engine, capsys):
    deploy("production", images("a"))
    deploy("staging", images("b"))
    capsys.readouterr()
    assert promote(checkout, "cars", "staging", "production", reason=None, dry_run=False) == 0
    assert read_release(checkout, "production") == images("a") | {"cars": image("cars", "b")}
    assert engine.deployed[-1] == ("production", "promote", "promoted from staging")
    said = capsys.readouterr().err
    assert "cars: aaaaaaaaaaaa (c0ffeea0) -> bbbbbbbbbbbb (c0ffeeb0)" in said
    assert "not what" not in said
    promote(checkout, "trips", "staging", "production", reason="asked for by sales", dry_run=False)
    assert engine.deployed[-1][2] == "asked for by sales"


def test_a_dry_run_of_a_promotion_changes_nothing(checkout, deploy, capsys, freeze):
    deploy("staging", images("b"))
    freeze()
    capsys.readouterr()
    assert promote(checkout, None, "staging", "production", reason=None, dry_run=True) == 0
    said = capsys.readouterr().err
    assert "would write deploy/environments/production.toml" in said
    assert "trips: nothing -> bbbbbbbbbbbb" in said
    assert "would deploy production: promoted from staging" in said


def test_a_promotion_of_all_copies_everything_and_drops_what_is_gone(checkout, deploy):
    deploy("staging", images("b"))
    write_release(checkout, "production", {"ships": image("ships", "a")})
    assert promote(checkout, None, "staging", "production", reason=None, dry_run=False) == 0
    assert read_release(checkout, "production") == images("b")


def test_what_has_no_image_yet_where_it_is_to_run_comes_along_from_where_it_was_tried(checkout, deploy):
    deploy("staging", images("b"))
    promote(checkout, "cars", "staging", "production", reason=None, dry_run=False)
    assert read_release(checkout, "production") == images("b")


def test_a_promotion_of_what_was_not_tried_is_refused_or_told(checkout, deploy, engine, capsys, freeze):
    engine.broken = {"cars"}
    deploy("staging", images("a"))
    freeze()
    with pytest.raises(UserError, match="production has no image of cars"):
        promote(checkout, "cars", "production", "staging", reason=None, dry_run=False)
    with pytest.raises(UserError, match="they are the same environment"):
        promote(checkout, "cars", "staging", "staging", reason=None, dry_run=False)
    engine.lost = {"cars"}
    with pytest.raises(UserError, match="the image of cars that staging runs is not here"):
        promote(checkout, "cars", "staging", "production", reason=None, dry_run=False)
    engine.lost = set()
    write_release(checkout, "staging", images("a") | {"cars": image("cars", "b")})
    promote(checkout, None, "staging", "production", reason=None, dry_run=True)
    said = capsys.readouterr().err
    assert "bbbbbbbbbbbb (c0ffeeb0) is not what cars came up with in staging last" in said
    assert "is not what trips" not in said
    write_release(checkout, "staging", images("a"))


def test_nothing_is_written_while_another_command_works_there(checkout, deploy, freeze):
    deploy("staging", images("a"))
    deploy("production", images("a"))
    deploy("staging", images("b"))
    freeze()
    with exclusive(Server(checkout, "production").folder / "lock"):
        for command in (
            lambda: promote(checkout, "cars", "staging", "production", reason=None, dry_run=False),
            lambda: promote(checkout, None, "staging", "production", reason=None, dry_run=False),
        ):
            with pytest.raises(UserError, match="holds its lock"):
                command()


def test_nothing_is_written_where_a_deployment_would_be_refused(
    checkout, deploy, add_project, engine, freeze, monkeypatch
):
    for digit in "ab":
        deploy("production", images(digit))
    freeze()
    refusals = {"Docker cannot be used": "require_engine", "the secrets are another's": "require_own"}
    for what, name in refusals.items():

        def refuse(*_, what=what):
            raise UserError(what, "it is so.", "mend it")

        with monkeypatch.context() as patch, pytest.raises(UserError, match=what):
            patch.setattr(replacement, name, refuse)
            roll_back(checkout, "cars", "production", to=None, reason=None, dry_run=False)
    add_project("ships")
    with pytest.raises(UserError, match=r"deploy/compose.yaml has drifted"):
        roll_back(checkout, "cars", "production", to=None, reason=None, dry_run=False)
    write_atomically(checkout.compose, render_compose(discover_projects(checkout)))
    with pytest.raises(UserError, match="the release of production has no image of ships") as caught:
        roll_back(checkout, "cars", "production", to=None, reason=None, dry_run=False)
    assert caught.value.how.startswith("./atoll promote ships --from ENV --to production")


def test_after_a_failed_deployment_the_file_stays_and_the_way_back_is_told(checkout, deploy, engine, capsys):
    deploy("production", images("a"))
    deploy("staging", images("b"))
    engine.broken = {"cars"}
    assert promote(checkout, None, "staging", "production", reason=None, dry_run=False) == 1
    assert read_release(checkout, "production") == images("b")
    said = capsys.readouterr().err
    assert "production.toml stays as written: it says what is wanted; to try again: ./atoll deploy production" in said
    assert "to go back with cars: ./atoll rollback cars production" in said
    assert "rollback trips" not in said
    assert roll_back(checkout, "cars", "production", to=None, reason=None, dry_run=False) == 0
    assert read_release(checkout, "production") == images("b") | {"cars": image("cars", "a")}


def test_a_deployment_that_is_refused_leaves_the_file_and_says_so(checkout, deploy, engine, capsys):
    deploy("staging", images("b"))
    engine.problem = UserError("Docker cannot be used.", "it is off.", "start it")
    with pytest.raises(UserError, match="Docker cannot be used"):
        promote(checkout, None, "staging", "production", reason=None, dry_run=False)
    assert read_release(checkout, "production") == images("b")
    assert "stays as written" in capsys.readouterr().err


def test_a_rollback_goes_to_what_ran_before_and_further_back_the_next_time(checkout, deploy, engine, capsys):
    for digit in "abc":
        deploy("production", images(digit))
    capsys.readouterr()
    for digit in "ba":
        assert roll_back(checkout, "cars", "production", to=None, reason=None, dry_run=False) == 0
        assert read_release(checkout, "production") == images("c") | {"cars": image("cars", digit)}
    assert engine.deployed[-1] == (
        "production",
        "rollback",
        "rolled back from bbbbbbbbbbbb (c0ffeeb0) to aaaaaaaaaaaa (c0ffeea0)",
    )
    with pytest.raises(UserError) as caught:
        roll_back(checkout, "cars", "production", to=None, reason=None, dry_run=False)
    assert caught.value.what == "cars of production cannot go back."
    assert "--to VERSION; it ran aaaaaaaaaaaa (c0ffeea0), bbbbbbbbbbbb (c0ffeeb0), cccccccccccc (c0ffeec0)" in (
        caught.value.how
    )


@pytest.mark.parametrize("to", ["aaa", "sha256:aaaa", "c0ffeea"])
def test_a_rollback_goes_to_the_image_that_is_named(checkout, deploy, to):
    for digit in "abc":
        deploy("production", images(digit))
    roll_back(checkout, "cars", "production", to=to, reason="it lost orders", dry_run=False)
    assert read_release(checkout, "production")["cars"] == image("cars", "a")


@pytest.mark.parametrize(
    ("to", "why"),
    [("dd", "no image of it"), ("c0ffee", "3 images begin so"), ("", "no image of it"), ("sha256:", "no")],
)
def test_a_rollback_to_what_never_came_up_or_is_not_clear_is_refused(checkout, deploy, engine, to, why, freeze):
    for digit in "abc":
        deploy("production", images(digit))
    engine.broken = {"cars"}
    deploy("production", images("c") | {"cars": image("cars", "d")})
    freeze()
    with pytest.raises(UserError, match=why) as caught:
        roll_back(checkout, "cars", "production", to=to, reason=None, dry_run=False)
    assert "cccccccccccc (c0ffeec0), bbbbbbbbbbbb" in caught.value.how


def test_where_nothing_ran_before_there_is_no_rollback(checkout, deploy, engine, freeze):
    with pytest.raises(UserError, match="no deployment is known in which it came up"):
        roll_back(checkout, "cars", "production", to=None, reason=None, dry_run=False)
    deploy("production", images("a"))
    freeze()
    with pytest.raises(UserError, match="nothing is known to have come up before"):
        roll_back(checkout, "cars", "production", to=None, reason=None, dry_run=False)


def test_an_image_that_is_gone_is_told_before_anything_is_written(checkout, deploy, engine, freeze):
    for digit in "ab":
        deploy("production", images(digit))
    engine.lost = {"cars"}
    freeze()
    with pytest.raises(UserError, match="neither the registry nor this machine has that image"):
        roll_back(checkout, "cars", "production", to=None, reason=None, dry_run=False)


def test_the_control_plane_goes_back_only_to_the_same_packages(checkout, deploy, engine):
    old = image("control", "a", lock="older")
    deploy("production", images("a") | {"control": old})
    deploy("production", images("b"))
    deploy("production", images("c"))
    assert roll_back(checkout, "control", "production", to=None, reason=None, dry_run=False) == 0
    assert read_release(checkout, "production")["control"] == image("control", "b")
    with pytest.raises(UserError) as caught:
        roll_back(checkout, "control", "production", to=None, reason=None, dry_run=False)
    assert caught.value.what == "control of production cannot go back by its image alone."
    assert caught.value.how.startswith("./atoll restore production FILE")


def test_a_rollback_without_a_release_file_keeps_what_runs(checkout, deploy):
    for digit in "ab":
        deploy("production", images(digit))
    release_file(checkout, "production").unlink()
    roll_back(checkout, "cars", "production", to=None, reason=None, dry_run=False)
    assert read_release(checkout, "production") == images("b") | {"cars": image("cars", "a")}


def test_what_else_the_file_says_and_does_not_run_is_told(checkout, deploy, capsys):
    for digit in "ab":
        deploy("production", images(digit))
    write_release(checkout, "production", images("b") | {"trips": image("trips", "c")})
    capsys.readouterr()
    roll_back(checkout, "cars", "production", to=None, reason=None, dry_run=True)
    said = capsys.readouterr().err
    assert "goes with it, for the file says so and it does not run: trips: bbbbbbbbbbbb" in said
    assert "control" not in said


def test_the_history_says_what_when_who_and_why(checkout, deploy, engine, capsys):
    deploy("production", images("a"))
    engine.broken = {"cars"}
    deploy("production", images("b"))
    roll_back(checkout, "cars", "production", to=None, reason="it lost orders", dry_run=False)
    capsys.readouterr()
    assert show_history(checkout, "production", last=20, as_json=False) == 0
    newest, second, first = capsys.readouterr().out.splitlines()[1:]
    for said in ("rollback", "Ada", "it lost orders", "5eed", "done"):
        assert said in newest
    assert "no other image" in newest
    assert "cars: aaaaaaaaaaaa (c0ffeea0) -> bbbbbbbbbbbb (c0ffeeb0)" in second
    assert "failed: cars: it does not load" in second
    assert "3 parts, for the first time" in first
    show_history(checkout, "production", last=1, as_json=True)
    (said,) = json.loads(capsys.readouterr().out)
    assert (said["verb"], said["reason"], said["outcome"]) == ("rollback", "it lost orders", "done")
    assert said["release"]["trips"]["commit"] == "c0ffeeb00"
    assert said["changes"] == []


def test_a_deployment_that_was_killed_is_told_and_one_that_goes_on_is_not_mistaken(checkout, engine, capsys):
    server = Server(checkout, "production")
    history = History(server.folder / "history")

    def outcomes() -> list[str]:
        show_history(checkout, "production", last=20, as_json=True)
        return [said["outcome"] for said in json.loads(capsys.readouterr().out)]

    def begin() -> Deployment:
        return history.begin(verb="deploy", author="", reason="", source="", release=images("a"), before={})

    assert outcomes() == []
    assert not server.folder.exists()
    begin()
    assert outcomes() == ["stopped midway"]
    with exclusive(server.folder / "lock"):
        running = begin()
        assert outcomes() == ["in progress", "stopped midway"]
        history.end(running, {})
        assert outcomes() == ["done", "stopped midway"]
    shutil.rmtree(server.folder)
    show_history(checkout, "production", last=20, as_json=False)
    assert "nothing was deployed to production yet" in capsys.readouterr().err
