import pytest

from atoll_control.deployment import release as module
from atoll_control.deployment.release import (
    Released,
    plan_release,
    read_release,
    release_file,
    require_images,
    write_release,
)
from atoll_control.errors import UserError
from atoll_control.images.record import Image, write_build
from atoll_control.images.settings import BuildSettings
from atoll_control.process import Output


def pinned(name: str, digit: str = "a") -> str:
    return f"127.0.0.1:5005/atoll/{name}@sha256:{digit * 64}"


@pytest.fixture
def add_build(checkout):
    """Record a build."""

    def add(name: str, reference: str | None = None) -> None:
        write_build(
            checkout, Image(name, reference or pinned(name), "content", "c0ffee", "l0ck", "2026-11-26T10:00:00Z")
        )

    return add


def test_without_a_release_the_last_build_is_taken_and_can_be_kept(checkout, add_project, add_build):
    add_project("cars")
    add_build("control")
    add_build("cars")
    release, added = plan_release(checkout, "staging")
    assert added == ["control", "cars"]
    assert release["cars"] == Released(pinned("cars"), "c0ffee", "l0ck")
    assert not release_file(checkout, "staging").exists()
    write_release(checkout, "staging", release)
    assert read_release(checkout, "staging") == release
    assert "[images.cars]" in release_file(checkout, "staging").read_text()


def test_what_is_released_stays_until_a_person_changes_it(checkout, add_project, add_build):
    add_project("cars")
    add_build("control")
    add_build("cars")
    write_release(checkout, "staging", plan_release(checkout, "staging")[0])
    add_project("trips")
    add_build("cars", pinned("cars", "b"))
    add_build("trips")
    release, added = plan_release(checkout, "staging")
    assert added == ["trips"]
    assert release["cars"].image == pinned("cars")
    assert release["trips"].version == "a" * 12


def test_a_part_that_was_never_built_is_told(checkout, add_project, add_build):
    add_project("cars")
    add_build("control")
    with pytest.raises(UserError) as caught:
        plan_release(checkout, "staging")
    assert caught.value.what == "staging has no image of cars."
    assert "it was never built here" in caught.value.why
    assert caught.value.how == "./atoll build && ./atoll up staging"


def test_a_build_that_is_in_no_registry_is_not_released(checkout, add_build):
    add_build("control", "127.0.0.1:5005/atoll/control:c0ffee")
    with pytest.raises(UserError) as caught:
        plan_release(checkout, "staging")
    assert "was not pushed" in caught.value.why


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("images = 1", "deploy/environments/staging.toml cannot be read."),
        ("[images.cars]\nimage = 1", "deploy/environments/staging.toml cannot be read."),
        (
            '[images.cars]\nimage = "atoll/cars:latest"\nlock = ""',
            "deploy/environments/staging.toml does not say which image of cars it is.",
        ),
        (
            f'[images.cars]\nimage = "{pinned("cars")[:-1]}"\nlock = ""',
            "deploy/environments/staging.toml does not say which image of cars it is.",
        ),
    ],
)
def test_a_release_that_does_not_say_which_image_is_refused(checkout, text, what):
    checkout.environments.mkdir(parents=True)
    release_file(checkout, "staging").write_text(text)
    with pytest.raises(UserError) as caught:
        read_release(checkout, "staging")
    assert caught.value.what == what


def test_an_image_that_neither_registry_nor_engine_has_is_told_with_the_cure(checkout, monkeypatch):
    settings = BuildSettings("127.0.0.1:5005", "registry:2", "python")
    release = {
        "control": Released(pinned("control"), None, ""),
        "mlflow": Released(f"elsewhere.example/mlflow@sha256:{'a' * 64}", None, ""),
        "cars": Released(pinned("cars", "b"), None, ""),
    }
    monkeypatch.setattr(module, "holds", lambda _, name, digest: (name, digest) != ("cars", f"sha256:{'b' * 64}"))
    monkeypatch.setattr(module, "docker", lambda *_: Output(0, "", ""))
    require_images(checkout, "staging", release, settings)
    monkeypatch.setattr(module, "docker", lambda *_: Output(1, "", "No such image"))
    with pytest.raises(UserError) as caught:
        require_images(checkout, "staging", release, settings)
    assert caught.value.what == "the image of cars that staging runs is not here."
    assert caught.value.why.startswith(f"deploy/environments/staging.toml names {pinned('cars', 'b')}")
    assert caught.value.how.startswith("./atoll build, and remove [images.cars] there")
