import json
import os

import pytest

from atoll_control.dagster_dev import end_leftover, read_record


@pytest.mark.parametrize("text", ["garbage", "[]", "{}", ""])
def test_a_record_that_says_nothing_is_removed(checkout, text):
    record = checkout.state / "dev.json"
    record.parent.mkdir()
    record.write_text(text)
    assert read_record(checkout) is None
    assert not end_leftover(checkout)
    assert not record.exists()


def test_a_process_that_has_taken_over_the_number_is_left_alone(checkout, tmp_path):
    sockets = tmp_path / "sockets"
    sockets.mkdir()
    record = checkout.state / "dev.json"
    record.parent.mkdir()
    record.write_text(json.dumps({"process": f"{os.getpid()}:1", "sockets": str(sockets), "address": "http://x"}))
    assert not end_leftover(checkout)
    assert not sockets.exists()
