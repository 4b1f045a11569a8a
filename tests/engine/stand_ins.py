"""Stand-ins for the public images that the tests do not pull, made from Debian's packages."""

import fcntl
import hashlib
import os
import re
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO

FOLDER = Path(__file__).parent / "stand_ins"
PREFIX = "atoll-stand-in"
BASE = f"{PREFIX}/python:3.11"
POSTGRES = f"{PREFIX}/postgres"
CADDY = f"{PREFIX}/caddy"
REGISTRY = f"{PREFIX}/registry"

SUITE = "bookworm"
PACKAGES = "ca-certificates,python3,python3-venv"
_LABEL = "atoll.stand-in"


def make_stand_ins(docker: str = "docker") -> None:
    """Make those that the engine does not have as they are described here; a second call costs an inspection each.

    Whoever comes while another process makes them waits for it.
    """
    base = hashlib.sha256(f"{SUITE} {PACKAGES}".encode()).hexdigest()
    with Path(__file__).open() as one_at_a_time, ThreadPoolExecutor() as pool:
        fcntl.flock(one_at_a_time, fcntl.LOCK_EX)
        if _content(docker, BASE) != base:
            _debootstrap(docker, base)
        for made in [pool.submit(_build, docker, name, base) for name in (POSTGRES, CADDY, REGISTRY)]:
            made.result()


def _build(docker: str, name: str, base: str) -> None:
    folder = FOLDER / name.removeprefix(f"{PREFIX}/")
    content = hashlib.sha256(base.encode())
    for file in sorted(folder.iterdir()):
        content.update(f"{file.name}\0{file.stat().st_mode & 0o111}\0".encode() + file.read_bytes() + b"\0")
    if _content(docker, name) != content.hexdigest():
        _say(f"making {name}")
        given = ["--build-arg", f"BASE={BASE}", "--label", f"{_LABEL}={content.hexdigest()}"]
        _run([docker, "build", "-q", "--network=host", *given, "--tag", name, str(folder)])


def _debootstrap(docker: str, content: str) -> None:
    _say(f"making {BASE}")
    with tempfile.TemporaryDirectory(prefix="atoll-stand-in-") as folder:
        root = Path(folder) / "root"
        _run(["debootstrap", "--variant=minbase", f"--include={PACKAGES}", SUITE, str(root), _mirror()])
        subprocess.run(["chroot", str(root), "apt-get", "clean"], check=True)
        (root / "usr/local/bin/python").symlink_to("/usr/bin/python3")
        archive = subprocess.Popen(["tar", "-C", str(root), "-c", "."], stdout=subprocess.PIPE)
        changes = ["-c", f"LABEL {_LABEL}={content}", "-c", "ENV LANG=C.UTF-8", "-c", 'CMD ["python3"]']
        _run([docker, "import", *changes, "-", BASE], stdin=archive.stdout)
        if archive.wait():
            raise RuntimeError(f"tar ended with {archive.returncode}")


def _mirror() -> str:
    """Say where apt of this machine gets Debian from."""
    sources = Path("/etc/apt")
    for file in [*sorted(sources.glob("sources.list.d/*.sources")), sources / "sources.list"]:
        if file.is_file() and (found := re.search(r"^(?:URIs:|deb\s+(?:\[.*?\])?)\s*(\S+)", file.read_text(), re.M)):
            return found[1]
    raise RuntimeError("no mirror of Debian in /etc/apt: stand-ins for images are made from Debian's packages.")


def _content(docker: str, image: str) -> str:
    form = f'{{{{index .Config.Labels "{_LABEL}"}}}}'
    found = subprocess.run([docker, "image", "inspect", "--format", form, image], capture_output=True, text=True)
    return found.stdout.strip() if found.returncode == 0 else ""


def _run(command: list[str], stdin: IO[bytes] | int | None = subprocess.DEVNULL) -> None:
    environment = os.environ | {"DOCKER_BUILDKIT": "1", "DEBIAN_FRONTEND": "noninteractive"}
    done = subprocess.run(
        command, stdin=stdin, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout[-4000:]}")


def _say(line: str) -> None:
    sys.stderr.write(line + "\n")


if __name__ == "__main__":
    make_stand_ins(os.environ.get("ATOLL_DOCKER", "docker"))
