"""The store on S3, against a server that speaks its protocol."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator

import boto3
import dagster as dg
import pytest
from moto.server import ThreadedMotoServer

from atoll import UserError
from atoll.io_manager import StoreIOManager
from atoll.store import Slot, Store

SLOT = Slot("sample", ("toy", "prices"))
ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "tester",
    "AWS_SECRET_ACCESS_KEY": "tester",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_REQUEST_CHECKSUM_CALCULATION": "when_required",
    "AWS_RESPONSE_CHECKSUM_VALIDATION": "when_required",
}


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=port, verbose=False)
    server.start()
    yield f"http://127.0.0.1:{port}"
    server.stop()


@pytest.fixture(autouse=True)
def aws(endpoint, monkeypatch):
    for name, value in {**ENVIRONMENT, "AWS_ENDPOINT_URL": endpoint}.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def bucket(endpoint, request) -> str:
    """A bucket of the test's own."""
    name = f"bucket-{abs(hash(request.node.name))}"
    client().create_bucket(Bucket=name)
    return name


def client():
    return boto3.client("s3", endpoint_url=os.environ["AWS_ENDPOINT_URL"])


def keys(bucket: str) -> list[str]:
    return [entry["Key"] for entry in client().list_objects_v2(Bucket=bucket).get("Contents", [])]


def put(store: Store, content: bytes):
    return store.put(SLOT, "data.bin", lambda path: path.write_bytes(content), {})


def get(store: Store) -> bytes:
    with store.open(store.get(SLOT)) as path:
        return path.read_bytes()


def test_what_is_put_can_be_got_and_replaced(bucket):
    store = Store(f"s3://{bucket}/prefix/")
    assert store.get(SLOT) is None
    put(store, b"old")
    assert get(store) == b"old"
    put(store, b"new")
    assert get(store) == b"new"
    assert get(Store(f"s3://{bucket}/prefix")) == b"new"


def test_the_layout_is_that_of_a_folder(bucket):
    store = Store(f"s3://{bucket}/prefix")
    artefact = put(store, b"x")
    assert keys(bucket) == [f"prefix/{artefact.path}", "prefix/sample/toy/prices/all/current.json"]
    assert store.locate(artefact) == f"s3://{bucket}/prefix/{artefact.path}"


def test_a_large_file_arrives_whole(bucket):
    store = Store(f"s3://{bucket}")
    content = os.urandom(60_000_000)
    put(store, content)
    assert get(store) == content


def test_assets_hand_over_tables_files_and_metrics(bucket, table, tmp_path):
    source = tmp_path / "model.bin"
    source.write_bytes(b"weights")
    values = {"table": table, "file": source, "metrics": {"mae": 1.5}, "object": (1, 2)}
    got = {}

    def make(name):
        @dg.asset(name=name, key_prefix="toy")
        def made():
            return values[name]

        @dg.asset(name=f"use_{name}", key_prefix="toy", ins={"value": dg.AssetIn(["toy", name])})
        def used(value) -> None:
            got[name] = value

        return [made, used]

    resources = {"io_manager": StoreIOManager(url=f"s3://{bucket}")}
    assert dg.materialize([asset for name in values for asset in make(name)], resources=resources).success
    assert got["table"].equals(table)
    assert got["file"].read_bytes() == b"weights"
    assert got["metrics"] == {"mae": 1.5}
    assert got["object"] == (1, 2)


KILLED = """
import sys, time
from atoll.filesystems import Remote
from atoll.store import Slot, Store

def wait(*_):
    print("waiting", flush=True)
    time.sleep(600)

if sys.argv[2] == "content":
    write = wait
else:
    write = lambda path: path.write_bytes(b"new")
    Remote.replace = wait
Store(sys.argv[1]).put(Slot("sample", ("toy", "prices")), "data.bin", write, {})
"""


@pytest.mark.parametrize("moment", ["content", "pointer"])
def test_after_a_writer_was_killed_the_reader_still_gets_the_old_value(bucket, moment):
    store = Store(f"s3://{bucket}")
    put(store, b"old")
    writer = subprocess.Popen(
        [sys.executable, "-c", KILLED, f"s3://{bucket}", moment], stdout=subprocess.PIPE, text=True
    )
    assert writer.stdout is not None
    with writer.stdout:
        assert writer.stdout.readline() == "waiting\n"
        os.kill(writer.pid, signal.SIGKILL)
        assert writer.wait() == -signal.SIGKILL
    assert get(store) == b"old"


def test_a_bucket_that_is_not_there_is_explained_and_not_made(endpoint):
    with pytest.raises(UserError) as caught:
        put(Store("s3://no-such-bucket/prefix"), b"x")
    assert caught.value.what == "The store s3://no-such-bucket/prefix cannot be written."
    assert "bucket does not exist" in caught.value.why
    assert "no-such-bucket" not in [bucket["Name"] for bucket in client().list_buckets()["Buckets"]]


def test_a_server_that_does_not_answer_is_explained(monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    monkeypatch.setattr("s3fs.S3FileSystem.cachable", False)
    store = Store("s3://bucket/prefix")
    for use, done in ((lambda: store.get(SLOT), "read"), (lambda: put(store, b"x"), "written")):
        with pytest.raises(UserError) as caught:
            use()
        assert caught.value.what == f"The store s3://bucket/prefix cannot be {done}."
        assert "127.0.0.1:1" in caught.value.why
