"""A project for trials: assets that wait, take memory, know a secret and follow from another location; a schedule."""

from pathlib import Path

from clone import SEPARATE, Clone
from small_project import add_project

NAME = "trials"
# What its asset `echo` follows from: who makes it, and what it is called there.
LENDER, LENT = "aviation_data", "airports"
TICKING = "ticking"
SECRET = "TRIALS_TOKEN"
# Of its run containers.
MEMORY = "512m"

MANIFEST = f"""
[dependency-groups]
dev = ["pytest>=8"]
server = ["dagster-postgres>=0.29,<0.30"]

[tool.uv]
cache-keys = [{{ file = "pyproject.toml" }}, {{ file = "src/**" }}]

[tool.atoll]
owner = "tests"
takes = ["{LENDER}/{LENT}"]
secrets = ["{SECRET}"]

[tool.atoll.runs]
memory = "{MEMORY}"
cpus = 1
"""

ASSETS = '''"""What an engine's tests ask for."""

import time
from pathlib import Path

import dagster as dg
from atoll.automation import on_update
from atoll.contracts import take

AIRPORTS = take("aviation_data/airports", "trials")
ENOUGH = Path("/tmp/enough")


class Patience(dg.Config):
    """How long it lasts at most, and whether it says so all the time."""

    seconds: float = 0
    talk: bool = False


class Memory(dg.Config):
    """How much is taken."""

    megabytes: int = 1


@dg.asset(key_prefix="trials")
def patience(context: dg.AssetExecutionContext, config: Patience):
    """How often it was looked at the clock."""
    ends = time.monotonic() + config.seconds
    looks = 0
    while time.monotonic() < ends and not ENOUGH.exists():
        time.sleep(0.2)
        looks += 1
        if config.talk:
            context.log.info(f"look {looks}")
    return looks


@dg.asset(key_prefix="trials")
def memory(config: Memory):
    """How many bytes were taken."""
    print("memory is taken", flush=True)
    taken = [b"1" * 2**20 for _ in range(config.megabytes)]
    return sum(map(len, taken))


@dg.asset(key_prefix="trials")
def token():
    """The digest of a secret, which itself nobody shall see."""
    import hashlib
    import os

    print("a secret is looked at", flush=True)
    return hashlib.sha256(os.environ["TRIALS_TOKEN"].encode()).hexdigest()


@dg.asset(key_prefix="trials", deps=[AIRPORTS], automation_condition=on_update())
def echo():
    """Made by itself whenever another code location has made what it takes."""
    return 1


patient = dg.define_asset_job("patient", selection=[patience])


@dg.schedule(job=patient, cron_schedule="* * * * *")
def ticking():
    """Skip, every minute."""
    return dg.SkipReason("nothing to do")
'''


def add_trials(clone: Clone) -> Path:
    """Add the project, locked, derived files written, and committed."""
    folder = add_project(clone, NAME)
    manifest = folder / "pyproject.toml"
    manifest.write_text(manifest.read_text() + MANIFEST)
    (folder / "src" / NAME / "defs" / "answers.py").write_text(ASSETS)
    (folder / "README.md").write_text("# Trials\n")
    for command in (["./atoll", "uv", "lock", "--quiet", "--project", str(folder)], ["./atoll", "sync", LENDER, NAME]):
        done = clone.run(*command)
        assert done.code == 0, done.text
    for command in (["git", "add", "-A"], [*SEPARATE, "commit", "-qm", "trials"]):
        done = clone.run(*command)
        assert done.code == 0, done.text
    return folder
