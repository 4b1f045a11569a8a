"""The store on S3, against a server that speaks its protocol."""

import hashlib
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import boto3
import dagster as dg
import pytest
from moto.server import ThreadedMotoServer

from atoll import UserError
from atoll.io_manager import StoreIOManager
from atoll.storage.journal import Journal
from atoll.storage.store import Slot, Store
from atoll.storage.verification import find_faults

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


def put(store: Store, content: bytes, slot: Slot = SLOT):
    return store.put(slot, "data.bin", lambda path: path.write_bytes(content), {})


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
    assert sorted(keys(bucket)) == [
        "prefix/sample/toy/prices/all/current.json",
        f"prefix/{artefact.path}",
        f"prefix/{artefact.folder}/manifest.json",
    ]
    assert store.locate(artefact.path) == f"s3://{bucket}/prefix/{artefact.path}"


def test_what_is_current_and_all_versions_are_listed_as_they_are_now(bucket):
    store = Store(f"s3://{bucket}/prefix")
    assert list(store.list_current()) == []
    versions = []
    for number in range(3):
        versions.append(put(store, str(number).encode()))
        assert list(store.list_current("toy")) == versions[-1:]
        assert store.list_versions(SLOT) == versions[::-1]
    other = put(store, b"x", Slot("full", ("toys", "a", "b"), "2013-03-01"))
    assert list(store.list_current()) == [other, versions[-1]]
    assert list(store.list_current("toy/prices", "full")) == []


def test_faults_are_found(bucket):
    store = Store(f"s3://{bucket}/prefix")
    flipped, gone, leftover, whole = (put(store, b"content") for _ in range(4))
    assert list(find_faults(store)) == []
    client().put_object(Bucket=bucket, Key=f"prefix/{flipped.path}", Body=b"conteNt")
    client().delete_object(Bucket=bucket, Key=f"prefix/{gone.path}")
    client().delete_object(Bucket=bucket, Key=f"prefix/{leftover.folder}/manifest.json")
    assert [(fault.path, fault.what, fault.leftover) for fault in find_faults(store)] == [
        (store.locate(flipped.path), "Its content is not what was written.", False),
        (store.locate(gone.path), "It is gone; its manifest is there.", False),
        (store.locate(leftover.folder), "It has no manifest: it was never finished, and nothing reads it.", True),
    ]
    client().delete_object(Bucket=bucket, Key=f"prefix/{whole.folder}/manifest.json")
    pointer = next(fault for fault in find_faults(store) if fault.path.endswith("current.json"))
    assert pointer.what == f"It names {store.locate(whole.folder)}, where there is no artefact."


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
import os, signal, sys
from atoll.storage.filesystems import Remote
from atoll.storage.journal import Journal
from atoll.storage.store import Slot, Store

left = int(sys.argv[2])

def kill_before(method):
    def call(*arguments):
        global left
        if not left:
            os.kill(os.getpid(), signal.SIGKILL)
        left -= 1
        return method(*arguments)
    return call

files = Store(sys.argv[1])._files._files
files.put_file, files.pipe_file = kill_before(files.put_file), kill_before(files.pipe_file)
Store(sys.argv[1]).put(Slot("sample", ("toy", "prices")), "data.bin", lambda path: path.write_bytes(b"new"), {})
"""


@pytest.mark.parametrize("requests", [0, 1, 2, 3])
def test_whenever_a_writer_is_killed_the_reader_gets_the_old_value_or_the_new_whole(bucket, requests):
    store = Store(f"s3://{bucket}")
    put(store, b"old")
    writer = subprocess.run([sys.executable, "-c", KILLED, f"s3://{bucket}", str(requests)], check=False)
    assert writer.returncode == (0 if requests == 3 else -signal.SIGKILL)
    assert get(store) == (b"new" if requests == 3 else b"old")
    assert [fault.leftover for fault in find_faults(store)] == ([True] if requests == 1 else [])
    assert len(store.list_versions(SLOT)) == (1 if requests < 2 else 2)


WRITER = """
import sys
from atoll.storage.journal import Journal
from atoll.storage.store import Slot, Store
for number in range(15):
    content = f"{sys.argv[2]}{number}".encode() * 1000
    slot, facts = Slot("sample", ("toy", "prices")), {"run_id": sys.argv[2]}
    Store(sys.argv[1]).put(slot, "data.bin", lambda path: path.write_bytes(content), facts)
"""


def test_readers_and_writers_at_once_see_whole_values_only(bucket):
    url = f"s3://{bucket}"
    store = Store(url)
    put(store, b"start")
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, url, name]) for name in "ab"]
    seen = set()
    while any(writer.poll() is None for writer in writers):
        artefact = store.get(SLOT)
        with store.open(artefact) as path:
            content = path.read_bytes()
        assert hashlib.sha256(content).hexdigest() == artefact.manifest.checksum
        assert content.startswith((artefact.manifest.run_id or "start").encode())
        seen.add(content)
    assert [writer.returncode for writer in writers] == [0, 0]
    assert len(seen) > 2
    assert len(store.list_versions(SLOT)) == 31
    assert list(find_faults(store)) == []


def test_refused_credentials_are_explained(bucket, monkeypatch):
    store = Store(f"s3://{bucket}")
    put(store, b"old")
    monkeypatch.setattr("s3fs.S3FileSystem.cachable", False)
    with monkeypatch.context() as strict:
        strict.setattr("moto.settings.INITIAL_NO_AUTH_ACTION_COUNT", 0)
        refused = Store(f"s3://{bucket}")
        for use, done in (
            (lambda: refused.get(SLOT), "read"),
            (lambda: put(refused, b"x"), "written"),
            (lambda: list(refused.list_current()), "read"),
            (lambda: list(find_faults(refused)), "read"),
        ):
            with pytest.raises(UserError) as caught:
                use()
            assert caught.value.what == f"The store s3://{bucket} cannot be {done}."
            assert caught.value.why.startswith("PermissionError: ")
            assert caught.value.how.startswith("See that it exists, has room and may be used by this user")
    assert get(store) == b"old"
    assert list(find_faults(store)) == []


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


def test_a_document_of_the_journal_is_written_once_and_moved(bucket):
    journal = Journal(f"s3://{bucket}/prefix")
    with ThreadPoolExecutor(4) as pool:
        told = list(pool.map(lambda number: journal.add("pending/1.json", str(number).encode()), range(4)))
    assert told.count(True) == 1
    assert journal.read("pending/1.json") == str(told.index(True)).encode()
    for _ in range(2):
        journal.move("pending/1.json", "sent/1.json")
    assert list(journal.list_paths("pending")) == []
    assert list(journal.list_paths("sent")) == ["sent/1.json"]
    assert list(journal.read_all("pending")) == []
    assert list(Store(f"s3://{bucket}/prefix").list_current()) == []
