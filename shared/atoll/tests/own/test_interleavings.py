"""Two writers and a reader, in any order of their steps: the reader sees whole values, and only such as were put."""

import threading
from collections.abc import Callable
from tempfile import TemporaryDirectory
from typing import Any
from uuid import uuid4

import hypothesis.strategies as st
from hypothesis import given, settings

from atoll.storage.store import Slot, Store
from atoll.storage.verification import find_faults

SLOT = Slot("sample", ("toy", "prices"))
STEPS = {"create", "replace", "read", "open"}


class Turns:
    """Lets several threads take their steps in a given order; who is not named again goes last."""

    def __init__(self, order: list[str], names: list[str]) -> None:
        self._order = [*order, *(name for name in names for _ in range(50))]
        self._over: set[str] = set()
        self._free = threading.Condition()

    def wait(self, name: str) -> None:
        with self._free:
            assert self._free.wait_for(lambda: self._next() == name, timeout=60)
            self._order.pop(0)
            self._free.notify_all()

    def end(self, name: str) -> None:
        with self._free:
            self._over.add(name)
            self._free.notify_all()

    def _next(self) -> str:
        while self._order[0] in self._over:
            self._order.pop(0)
        return self._order[0]


class Stepwise:
    """A file system each of whose operations waits for its turn."""

    def __init__(self, files: Any, wait: Callable[[], None]) -> None:
        self._files, self._wait = files, wait

    def __getattr__(self, name: str) -> Any:
        if name in STEPS:
            self._wait()
        return getattr(self._files, name)


@given(st.lists(st.sampled_from(["first", "second", "reader"]), max_size=30), st.booleans())
@settings(deadline=None, max_examples=60)
def test_whatever_the_order_the_reader_sees_whole_values(order, in_memory):
    with TemporaryDirectory() as folder:
        url = f"memory://{uuid4().hex}" if in_memory else folder
        names = ["first", "second", "reader"]
        turns = Turns(order, names)
        seen: list[bytes] = []
        failed: list[BaseException] = []

        def write(store: Store, name: str) -> None:
            for number in range(2):
                content = f"{name} {number}".encode()
                facts = {"run_id": content.decode()}
                store.put(SLOT, "data.bin", lambda path, content=content: path.write_bytes(content), facts)

        def read(store: Store, name: str) -> None:
            for _ in range(4):
                artefact = store.get(SLOT)
                if artefact is None:
                    seen.append(b"")
                    continue
                with store.open(artefact) as path:
                    seen.append(path.read_bytes())
                assert seen[-1].decode() == artefact.manifest.run_id

        def run(do: Callable[[Store, str], None], name: str) -> None:
            store = Store(url)
            store._files = Stepwise(store._files, lambda: turns.wait(name))
            try:
                do(store, name)
            except BaseException as error:
                failed.append(error)
            finally:
                turns.end(name)

        threads = [threading.Thread(target=run, args=(read if name == "reader" else write, name)) for name in names]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert not failed
        store = Store(url)
        last = store.get(SLOT)
        assert last is not None
        assert last.manifest.run_id in ("first 1", "second 1")
        assert len(store.list_versions(SLOT)) == 4
        assert list(find_faults(store)) == []
        for name in names[:2]:
            own = [content for content in seen if content.startswith(name.encode())]
            assert own == sorted(own)
        assert b"" not in seen[next((n for n, content in enumerate(seen) if content), len(seen)) :]
