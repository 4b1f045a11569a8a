from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from atoll_control.deployment import history as module
from atoll_control.deployment.history import Deployment, History
from atoll_control.deployment.release import Release, Released
from atoll_control.errors import UserError


def image(digit: str, name: str = "cars") -> Released:
    return Released(f"127.0.0.1:5005/atoll/{name}@sha256:{digit * 64}", f"c0ffee{digit}", "l0ck")


A, B, C = image("a"), image("b"), image("c")


@pytest.fixture
def history(tmp_path) -> History:
    return History(tmp_path / "staging" / "history")


def begin(history: History, release: Release, before: Release, verb: str = "deploy") -> Deployment:
    return history.begin(
        verb=verb, author="Ada <ada@example.org>", reason="", source="c0ffee", release=release, before=before
    )


@pytest.fixture
def deploy(history) -> Callable[..., Deployment]:
    """Deploy one image of cars after another."""
    ran: Release = {}

    def add(released: Released, verb: str = "deploy", *, fails: bool = False) -> Deployment:
        failed = {"cars": "it does not load"} if fails else {}
        deployment = history.end(begin(history, {"cars": released}, dict(ran), verb), failed)
        ran.update({} if fails else {"cars": released})
        return deployment

    return add


def test_a_deployment_is_kept_from_its_first_moment_as_it_is_said(history):
    assert history.list() == []
    begun = begin(history, {"cars": B}, {"cars": A})
    assert (begun.outcome, begun.ended, begun.began.tzinfo) == ("running", None, UTC)
    assert history.list() == [begun]
    ended = history.end(begun, {})
    assert ended.outcome == "done"
    assert ended.ended is not None
    assert ended.ended >= ended.began
    assert history.list() == [ended]


def test_what_failed_is_kept_with_its_reason(history, deploy):
    deploy(A)
    failed = deploy(B, fails=True)
    assert history.list()[0] == failed
    assert (failed.outcome, failed.failed) == ("failed", {"cars": "it does not load"})


def test_two_in_one_moment_are_two_and_the_newest_is_first(history, monkeypatch):
    class Clock(datetime):
        @classmethod
        def now(cls, tz=None):
            return cls(2026, 11, 26, 10, 0, 0, 0, tz)

    monkeypatch.setattr(module, "datetime", Clock)
    first, second = begin(history, {"cars": A}, {}), begin(history, {"cars": B}, {"cars": A})
    assert [deployment.release for deployment in history.list()] == [second.release, first.release]
    assert first.file == "20261126T100000.000000Z.json"


def test_the_previous_image_is_the_newest_other_one_that_came_up(history, deploy):
    assert history.previous("cars", A) is None
    deploy(A)
    deploy(A)
    assert history.previous("cars", A) is None
    deploy(B)
    assert history.previous("cars", B) == A
    deploy(C, fails=True)
    assert history.previous("cars", B) == A
    # The release file says C, and C never came up: B did.
    assert history.previous("cars", C) == B
    assert history.previous("trips", A) is None


def test_one_rollback_after_another_goes_further_back(history, deploy):
    for released in (A, B, C):
        deploy(released)
    assert history.previous("cars", C) == B
    deploy(B, "rollback")
    assert history.previous("cars", B) == A
    deploy(A, "rollback")
    assert history.previous("cars", A) is None
    # What was taken back counts again when a person deployed it again.
    deploy(C)
    deploy(B)
    assert history.previous("cars", B) == C


def test_a_rollback_by_several_versions_takes_all_of_them_back(history, deploy):
    for released in (A, B, C):
        deploy(released)
    deploy(A, "rollback")
    assert history.previous("cars", A) is None
    # A person may return to one of them by its name.
    assert list(history.images("cars")) == [A.image, C.image, B.image]
    deploy(C, "rollback")
    assert history.previous("cars", C) == A


def test_what_moved_on_in_the_rollback_of_another_part_can_be_taken_back(history, deploy):
    deploy(A)
    deploy(B, "rollback")
    assert history.previous("cars", B) == A


def test_a_rollback_that_failed_takes_nothing_back(history, deploy):
    for released in (A, B, C):
        deploy(released)
    deploy(B, "rollback", fails=True)
    assert history.previous("cars", C) == B
    assert history.previous("cars", B) == C


def test_a_deployment_that_was_killed_has_brought_nothing_up(history, deploy):
    deploy(A)
    begin(history, {"cars": B}, {"cars": A})
    deploy(C)
    assert history.previous("cars", C) == A
    assert list(history.images("cars")) == [C.image, A.image]


def test_what_ran_before_the_first_deployment_can_be_returned_to(history):
    history.end(begin(history, {"cars": B}, {"cars": A}), {})
    assert history.previous("cars", B) == A
    # Of one that did not come up it is known that it did not, though it may have run when the next one began.
    history.end(begin(history, {"cars": C}, {"cars": B}), {"cars": "dies"})
    history.end(begin(history, {"cars": B}, {"cars": C}), {})
    assert list(history.images("cars")) == [B.image, A.image]


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"began": "today", "ended": null}'])
def test_a_document_that_cannot_be_read_is_named(history, deploy, text):
    path = history.folder / deploy(A).file
    path.write_text(text)
    with pytest.raises(UserError) as caught:
        history.list()
    assert caught.value.what == "the history of staging cannot be read."
    assert str(path) in caught.value.why


def test_a_document_of_another_version_is_named(history, deploy):
    path = history.folder / deploy(A).file
    for old, new in (('"done"', '"perhaps"'), ('"reason"', '"why"')):
        text = path.read_text()
        path.write_text(text.replace(old, new))
        with pytest.raises(UserError):
            history.list()
        path.write_text(text)
    assert len(history.list()) == 1
