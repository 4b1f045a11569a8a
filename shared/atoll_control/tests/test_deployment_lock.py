import subprocess
import sys

import pytest

from atoll_control.deployment.lock import held
from atoll_control.deployment.server import Server
from atoll_control.errors import UserError
from atoll_control.files import write_atomically

HOLD = """
import sys
from pathlib import Path
from atoll_control.deployment.lock import held
from atoll_control.deployment.server import Server
from atoll_control.files import Checkout
with held(Server(Checkout(Path(sys.argv[1])), "staging"), "deploy"):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def server(checkout) -> Server:
    write_atomically(checkout.environments / "staging.settings.toml", "")
    return Server(checkout, "staging")


def test_the_second_is_told_who_holds_the_lock_and_it_ends_with_its_process(server, checkout):
    command = [sys.executable, "-c", HOLD, str(checkout.root)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(UserError) as caught, held(server, "down"):
            pass
        holder.kill()
    assert caught.value.what == "`down` has not touched staging."
    assert caught.value.why.startswith("`./atoll deploy` of ")
    assert f"(process {holder.pid}, since " in caught.value.why
    with held(server, "down"):
        pass
