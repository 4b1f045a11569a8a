from atoll_control.console import BAD, GOOD, say, show_problem, show_table
from atoll_control.errors import UserError


def test_brackets_of_other_peoples_text_stay(capsys):
    say("selected [/x] of [tool.dg]", GOOD)
    show_problem(UserError("[a] is wrong.", "it has [b].", "write [c]."))
    show_table(("", "asset"), [(BAD, 'key:"a[b]"'), (GOOD, None)])
    printed = capsys.readouterr()
    assert "✓ selected [/x] of [tool.dg]" in printed.err
    assert "how:  write [c]." in printed.err
    assert 'key:"a[b]"' in printed.out
