import json
from datetime import date, datetime, timezone

import pytest

import atoll
from atoll import UserError
from atoll.configuration import read_settings


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    (tmp_path / ".atoll").mkdir()
    monkeypatch.setenv("ATOLL_ROOT", str(tmp_path))
    return tmp_path


def record(checkout, text):
    (checkout / ".atoll" / "clock.json").write_text(text)


def test_without_a_setting_it_is_the_real_day(checkout):
    before = datetime.now(timezone.utc).date()
    assert before <= atoll.today() <= datetime.now(timezone.utc).date()


def test_the_setting_says_what_day_it_is(checkout):
    (checkout / "atoll.toml").write_text("today = 2013-03-17\n")
    assert atoll.today() == date(2013, 3, 17)


def test_a_replay_moves_the_clock_of_a_process_that_runs(checkout):
    (checkout / "atoll.toml").write_text("today = 2013-03-17\n")
    assert atoll.today() == date(2013, 3, 17)
    record(checkout, json.dumps({"today": "2013-04-07"}))
    assert atoll.today() == date(2013, 4, 7)
    record(checkout, json.dumps({"today": "2013-04-14", "profile": "full"}))
    assert (atoll.today(), read_settings().profile) == (date(2013, 4, 14), "full")


def test_the_environment_wins_over_the_record(checkout, monkeypatch):
    record(checkout, json.dumps({"today": "2013-04-14", "profile": "full"}))
    monkeypatch.setenv("ATOLL_PROFILE", "sample")
    assert read_settings().profile == "sample"


@pytest.mark.parametrize(
    ("text", "what"),
    [("{", "The file {} cannot be read."), ('{"today": "soon"}', "The setting `today` is not valid.")],
)
def test_a_broken_record_is_named(checkout, text, what):
    record(checkout, text)
    with pytest.raises(UserError) as caught:
        atoll.today()
    path = checkout / ".atoll" / "clock.json"
    assert caught.value.what == what.format(path)
    assert str(path) in str(caught.value)
