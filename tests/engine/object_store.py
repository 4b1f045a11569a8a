"""A stand-in for S3 that containers reach, and a store's settings that name it."""

import subprocess
import urllib.request
from collections.abc import Generator
from contextlib import contextmanager
from typing import NamedTuple

from clone import ROOT
from dev import find_free_port
from waiting import LIMIT, wait_until


class Bucket(NamedTuple):
    """A bucket on a server of its own; `secrets` are what its users need as environment variables."""

    name: str
    address: str

    @property
    def secrets(self) -> dict[str, str]:
        return {
            "AWS_ACCESS_KEY_ID": "of-a-stand-in",
            "AWS_SECRET_ACCESS_KEY": "of-a-stand-in",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_ENDPOINT_URL": self.address,
        }

    def list_keys(self, prefix: str) -> str:
        """Return the answer in which the keys of the objects are that begin with the prefix."""
        return self._ask(f"{self.name}?list-type=2&prefix={prefix}")

    def create(self) -> None:
        self._ask(self.name, "PUT")

    def answers(self) -> bool:
        try:
            self._ask("")
        except OSError:
            return False
        return True

    def _ask(self, path: str, method: str = "GET") -> str:
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        request = urllib.request.Request(f"{self.address}/{path}", method=method)
        with opener.open(request, timeout=LIMIT) as answer:
            return answer.read().decode()


@contextmanager
def serving(host: str) -> Generator[Bucket]:
    """Serve a bucket at an address of this machine, by what the library's own tests use."""
    bucket = Bucket("bucket", f"http://{host}:{find_free_port()}")
    python = ROOT / "shared" / "atoll" / ".venv" / "bin" / "python"
    assert python.exists(), "./atoll test makes the library's environment, which these tests take S3's stand-in from"
    port = bucket.address.rpartition(":")[2]
    process = subprocess.Popen(
        [python, "-m", "moto.server", "-H", host, "-p", port], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        wait_until(bucket.answers, "the stand-in for S3")
        bucket.create()
        yield bucket
    finally:
        process.terminate()
        process.wait(LIMIT)
