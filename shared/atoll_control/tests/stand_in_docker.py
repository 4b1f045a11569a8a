#!/usr/bin/env python3
"""Stands in for Docker's client and Compose, as far as backups use them.

Volumes are folders under `volumes/` of the folder that it lies in, databases are files under `databases/`, containers
are in `containers.json` by id. Programs of containers run here. What has the words of the file `failing` in it fails.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
CONTAINERS, DATABASES = HERE / "containers.json", HERE / "databases"
PROGRAMS = {"dagster": ["1.13.27", ["a1", "a2"]], "mlflow": ["3.17.2", ["b1"]]}


def main(arguments: list[str]) -> int:
    failing = HERE / "failing"
    if failing.exists() and failing.read_text() in " ".join(["", *arguments]):
        sys.stderr.write("Error: as the test wants it.\n")
        return 1
    match arguments:
        case ["version", *_]:
            say("28.2.2")
        case ["compose", "version", *_]:
            say("2.40.3")
        case ["compose", *rest]:
            return compose(rest)
        case ["ps", *rest]:
            for identity, said in read().items():
                label = next(part for part in rest if part.startswith("label=")).removeprefix("label=")
                asked_for = next((part for part in rest if part.startswith("status=")), "status=").removeprefix(
                    "status="
                )
                if label in said["labels"] and asked_for in ("", said["state"]):
                    service = said.get("service", "")
                    say(identity if "--quiet" in rest else f'"{identity}" "{service}" "{said["state"]}"')
        case ["pause" | "unpause" as verb, *identities]:
            state = "paused" if verb == "pause" else "running"
            write({name: said | {"state": state} if name in identities else said for name, said in read().items()})
        case ["rm", *rest]:
            write({name: said for name, said in read().items() if name not in rest})
        case ["volume", "ls", *_]:
            say("\n".join(path.name for path in HERE.joinpath("volumes").iterdir()))
        case ["volume", "rm", *names]:
            for name in names:
                shutil.rmtree(HERE / "volumes" / name)
        case ["run", *rest]:
            return run(rest)
        case ["exec", *rest]:
            return execute([part for part in rest if part != "--interactive"][1:])
    return 0


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def read() -> dict:
    return json.loads(CONTAINERS.read_text())


def write(containers: dict) -> None:
    CONTAINERS.write_text(json.dumps(containers))


def compose(rest: list[str]) -> int:
    if "ps" in rest:
        for said in read().values():
            if "service" in said:
                image = f"{said['service']}@sha256:{'a' * 64}"
                say(json.dumps({"Service": said["service"], "Image": image, "State": said["state"]}))
    if "prepare" in rest:
        for volume in ("database", "guard", "logs", "mlflow", "proxy", "store"):
            (HERE / "volumes" / f"atoll-staging_{volume}").mkdir(parents=True)
        (HERE / "volumes" / "atoll-staging_store" / "store").mkdir()
    if "up" in rest:
        write(
            {"p1": {"labels": ["com.docker.compose.project=atoll-staging"], "service": "postgres", "state": "running"}}
        )
    return 0


def run(rest: list[str]) -> int:
    if "--entrypoint=postgres" in rest:
        say("postgres (PostgreSQL) 17.5 (Debian 17.5-1)")
        return 0
    *_, flags, text = rest[: next(index for index, part in enumerate(rest) if len(part) > 200) + 1]
    script = rest[rest.index(text) + 1 :]
    if flags == "-Ic":
        say(json.dumps(PROGRAMS[script[0]]))
        return 0
    return inside(["python", flags, text, *script])


def execute(command: list[str]) -> int:
    database = next((part for part in command if part.startswith("--dbname=")), "").removeprefix("--dbname=")
    match command[0]:
        case "python":
            return inside(command)
        case "psql" if "--command=ANALYZE" not in command:
            answer(database)
        case "pg_dump":
            snapshot = next(part for part in command if part.startswith("--snapshot="))
            sys.stdout.buffer.write(DATABASES.joinpath(snapshot.removeprefix("--snapshot=")).read_bytes())
        case "pg_restore":
            DATABASES.joinpath(database).write_bytes(sys.stdin.buffer.read())
    return 0


def answer(database: str) -> None:
    """Answer as psql does; a snapshot is a copy."""
    for line in sys.stdin:
        if "pg_export_snapshot" in line:
            shutil.copy(DATABASES / database, DATABASES / f"{database}-kept")
            say(f"{database}-kept")
        elif "alembic" in line:
            say({"dagster": "a2", "mlflow": "b1"}[database])
        elif "server_version_num" in line:
            say("17")
        elif line.startswith("\\echo "):
            say(line.removeprefix("\\echo ").strip())


def inside(command: list[str]) -> int:
    """Run the script of a container with the folders that the volumes are; it looks for them by their short names."""
    _, flags, text, verb, _, *names = command
    place = HERE / "mounted"
    place.mkdir(exist_ok=True)
    for name in names:
        link = place / name
        link.unlink(missing_ok=True)
        link.symlink_to(HERE / "volumes" / f"atoll-staging_{name}")
    return subprocess.run([sys.executable, flags, text, verb, str(place), *names]).returncode


if __name__ == "__main__":
    os.umask(0o022)
    sys.exit(main(sys.argv[1:]))
