"""Backup: seconds for each GB that is backed up and restored, and how long an environment is held still meanwhile."""

import json
import tempfile
import time
from pathlib import Path

from checkout import Checkout
from figures import Figure
from registry import ask_docker
from server_session import NAME, ServerSession

LOCATION = "flights"
GIGABYTES = 1
# Random, so that nothing can be made smaller; in files of the size of models and weeks.
FILL = """
import os
folder = "/atoll/.atoll/store/filling"
os.makedirs(folder)
for number in range({files}):
    with open(f"{{folder}}/{{number}}", "wb") as file:
        file.write(os.urandom({size}))
"""
FILES, SIZE = 100, 10_000_000


def measure(checkout: Checkout, rounds: int) -> Figure:
    """Fill the store of an environment of one small project, back it up, and restore it in its own place."""
    checkout.use({LOCATION: LOCATION})
    backups, restores, frozen = [], [], []
    with ServerSession(checkout) as server, tempfile.TemporaryDirectory(dir=checkout.root.parent) as folder:
        server.start()
        container = server.container(LOCATION)
        ask_docker("exec", container, "python", "-c", FILL.format(files=FILES * GIGABYTES, size=SIZE))
        for number in range(rounds):
            file = Path(folder) / f"{number}.zip"
            begin = time.perf_counter()
            said = json.loads(checkout.run(["./atoll", "backup", NAME, "--to", file, "--json"]))
            backups.append((time.perf_counter() - begin) / (said["size"] / 1e9))
            frozen.append(said["frozen_seconds"])
            begin = time.perf_counter()
            checkout.run(["./atoll", "restore", NAME, file, "--replace"])
            restores.append((time.perf_counter() - begin) / (said["size"] / 1e9))
            file.unlink()
    figure = Figure("backup", f"A backup of {GIGABYTES} GB in {FILES * GIGABYTES} files, and the way back")
    figure.add("./atoll backup, for each GB", "s", backups)
    figure.add("  of these, held still", "s", frozen)
    figure.add("./atoll restore, for each GB, until all is loaded", "s", restores)
    return figure
