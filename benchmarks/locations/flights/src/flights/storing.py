"""One piece of work for the figure `store`: prints seconds and peak memory in MB."""

import json
import os
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa

from atoll.storage.store import Slot, Store
from atoll.storage.values import find, read, write
from atoll.storage.verification import find_faults

SLOT = Slot("full", ("flights", "table"))


def main() -> None:
    """Do what the arguments say: verb, folder, count."""
    verb, folder, count = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
    store = Store(str(folder / "store"))
    do: Callable[[], Any] = {
        "prepare": lambda: prepare(folder, count),
        "write_pandas": lambda frame: frame.to_parquet(folder / "pandas.parquet"),
        "write_store": lambda frame: write(store, SLOT, frame, {}),
        "read_pandas": lambda: pd.read_parquet(folder / "pandas.parquet"),
        "read_store": lambda: read(store, find(store, SLOT.key, profile=SLOT.profile)),
        "fill": lambda: fill(store, count),
        "list": lambda: expect(sum(1 for _ in store.list_current("many")), count),
        "verify": lambda: expect(sum(1 for _ in find_faults(store, "many")), 0),
    }[verb]
    arguments = [assemble(folder)] if verb.startswith("write_") else []
    begin = time.perf_counter()
    result = do(*arguments)
    seconds = time.perf_counter() - begin
    if verb.startswith("read_"):
        expect(len(result), count)
    print(json.dumps({"seconds": seconds, "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6}))


def prepare(folder: Path, rows: int) -> None:
    """Make the columns of the table, each in a file that can be mapped: text of low cardinality, numbers, times."""
    import numpy as np

    random = np.random.default_rng(0)
    times = np.datetime64("2013-01-01", "us") + random.integers(0, 31_536_000, rows).astype("timedelta64[s]")
    columns = {
        "flight": random.integers(0, 10_000, rows),
        "number": random.integers(0, 2**40, rows),
        "delay": random.normal(size=rows),
        "time": times,
        "carrier": np.array(["AA", "B6", "DL", "EV", "UA"], dtype=object)[random.integers(0, 5, rows)],
    }
    for name, values in columns.items():
        table = pa.table({name: pa.array(values)})
        with pa.OSFile(str(folder / f"{name}.arrow"), "wb") as file, pa.ipc.new_file(file, table.schema) as writer:
            writer.write_table(table)


def assemble(folder: Path) -> pd.DataFrame:
    """Put the table together, column by column, so that this takes little more memory than the table."""
    frame = pd.DataFrame()
    for path in sorted(folder.glob("*.arrow")):
        with pa.memory_map(str(path)) as file:
            frame[path.stem] = pa.ipc.open_file(file).read_all().column(0).to_pandas()
    return frame


def fill(store: Store, count: int) -> None:
    """Store many small artefacts, a partition each; they need not outlive this machine's power."""
    os.fsync = lambda descriptor: None
    for number in range(count):
        slot = Slot("sample", ("many", f"asset_{number % 10}"), f"{number:06}")
        write(store, slot, number, {})


def expect(found: int, expected: int) -> None:
    """Raise where something else came out."""
    if found != expected:
        raise RuntimeError(f"{found} instead of {expected}")


if __name__ == "__main__":
    main()
