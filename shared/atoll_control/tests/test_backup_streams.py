import pytest

from atoll_control.backup.streams import Dialogue, reading, writing
from atoll_control.errors import UserError


def shell(script: str) -> list[str]:
    return ["sh", "-c", script]


@pytest.mark.parametrize(
    ("script", "why"),
    [
        ("echo first >&2; echo last. >&2; exit 3", "last."),
        (
            "echo 'pg_restore: error: no such role' >&2; echo 'Command was: x' >&2; exit 1",
            "pg_restore: error: no such role.",
        ),
        ("exit 3", "it ended with 3 and said nothing."),
    ],
)
def test_a_program_that_fails_is_told_by_what_it_said(script, why):
    with pytest.raises(UserError) as caught, reading(shell(script), "what", "how") as stream:
        stream.read()
    assert (caught.value.what, caught.value.why, caught.value.how) == ("what", why, "how")
    with pytest.raises(UserError) as caught, writing(shell(script), "what", "how") as stream:
        for _ in range(100):
            stream.write(bytes(1 << 16))
    assert caught.value.why == why


def test_a_program_that_is_not_there_is_told(tmp_path):
    with pytest.raises(UserError) as caught, reading([str(tmp_path / "none")], "what", "how"):
        pass
    assert caught.value.why == f"{tmp_path / 'none'}: No such file or directory."


def test_a_program_ends_when_nobody_wants_its_stream_any_more():
    with (
        pytest.raises(RuntimeError, match="enough"),
        reading(shell("while :; do echo x; done"), "what", "how") as stream,
    ):
        stream.read(10)
        raise RuntimeError("enough")


def test_a_dialogue_ends_with_its_program_or_with_patience():
    dialogue = Dialogue(shell("read line; echo $line; read line; echo gone >&2; exit 1"), "what", "how")
    dialogue.say("a line")
    assert dialogue.hear(10) == "a line"
    dialogue.say("another one")
    with pytest.raises(UserError) as caught:
        dialogue.hear(10)
    assert caught.value.why == "gone."
    dialogue.close(10)
    silent = Dialogue(["sleep", "60"], "what", "how")
    with pytest.raises(UserError) as caught:
        silent.hear(1)
    assert caught.value.why == "sleep 60 said nothing for 1 seconds."
    silent.close(10)
