import socket
from collections.abc import Iterator

import pytest

from atoll_control.workflows.dev import start_mlflow


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        yield other.getsockname()[1]


def test_without_a_port_of_its_own_mlflow_is_left_out_and_all_else_goes_on(checkout, taken_port, capsys):
    for port, page_port in ((taken_port, 3000), (3000, 3000)):
        assert start_mlflow(checkout, port, page_port) is None
        heading, what, why, how = capsys.readouterr().err.splitlines()
        assert heading.endswith("mlflow does not run; all else goes on without it")
        assert what == f"what: port {port} is in use."
        assert why == "why:  another program listens on 127.0.0.1 at it."
        assert how.startswith("how:  ./atoll dev --mlflow-port ")
    assert not checkout.mlflow.exists()
