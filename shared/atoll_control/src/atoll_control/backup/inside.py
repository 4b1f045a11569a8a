"""What runs in a container that has the volumes of an environment: keeps them as of one moment, sends and fills them.

The standard library alone, and Python 3.10: the text of this file is given to the Python of an image.

    python -c TEXT hold FOLDER VOLUME...    keeps the volumes when it reads a line, until its input ends
    python -c TEXT send FOLDER VOLUME       writes the tar of a volume that is kept
    python -c TEXT fill FOLDER VOLUME       reads the tar of a volume, and lays it out there
"""

import json
import os
import shutil
import stat
import sys
import tarfile
import time
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

# Where a volume is kept, in itself: nobody looks there. Left by a backup that was killed, it is removed by the next.
HIDDEN = ".backup"
INDEX = "index"
# In these volumes a file may be written anew under its name, which changes a link to it; elsewhere a file that has its
# name is only removed, replaced by another, or appended to.
REWRITTEN = ("mlflow", "proxy")
# Seconds after which nobody is about to write a file anew.
SETTLED = 600
CHUNK = 1 << 20


def hold(volumes: list[Path]) -> None:
    """Keep volumes when a line is read, and until the input ends."""
    try:
        for volume in volumes:
            forget(volume)
        _say({"ready": True})
        if sys.stdin.readline():
            _say({volume.name: keep(volume) for volume in volumes})
            sys.stdin.read()
    finally:
        for volume in volumes:
            forget(volume)


def forget(volume: Path) -> None:
    """Remove what is kept of a volume."""
    shutil.rmtree(volume / HIDDEN, ignore_errors=True)


def keep(volume: Path) -> dict[str, int]:
    """Link every file of a volume, or copy it, with an index of how it is now; return how many and how large."""
    hidden = volume / HIDDEN
    hidden.mkdir(mode=0o700)
    rewritten, now = volume.name in REWRITTEN, time.time()
    files = size = 0
    with (hidden / INDEX).open("w", encoding="utf-8") as index:
        for path, found in _walk(volume, volume):
            entry: dict[str, Any] = {
                "path": str(path.relative_to(volume)),
                "mode": found.st_mode,
                "mtime": found.st_mtime_ns,
            }
            if stat.S_ISLNK(found.st_mode):
                entry["target"] = str(path.readlink())
            elif stat.S_ISREG(found.st_mode):
                fresh = rewritten and now - found.st_mtime < SETTLED
                linked = not fresh and _link(path, hidden / str(files))
                if not linked and not _copy(path, hidden / str(files)):
                    continue
                entry |= {"file": str(files), "size": found.st_size, "settled": rewritten and linked}
                files, size = files + 1, size + found.st_size
            elif not stat.S_ISDIR(found.st_mode):
                continue
            index.write(json.dumps(entry) + "\n")
    return {"files": files, "size": size}


def _walk(volume: Path, folder: Path) -> Iterator[tuple[Path, os.stat_result]]:
    """Yield everything in a folder, by name, a folder before what is in it."""
    for entry in sorted(os.scandir(folder), key=lambda entry: entry.name):
        path = Path(entry.path)
        if path == volume / HIDDEN:
            continue
        try:
            found = entry.stat(follow_symlinks=False)
        except FileNotFoundError:
            # Not everybody is held still: the proxy is not.
            continue
        yield path, found
        if stat.S_ISDIR(found.st_mode):
            yield from _walk(volume, path)


def _link(path: Path, target: Path) -> bool:
    """Link a file, where its file system can and its owner lets us."""
    try:
        target.hardlink_to(path)
    except OSError:
        return False
    return True


def _copy(path: Path, target: Path) -> bool:
    """Copy a file, unless it is gone."""
    try:
        shutil.copy2(path, target)
    except FileNotFoundError:
        return False
    return True


def send(volume: Path) -> None:
    """Write the tar of a volume that is kept: of each file as many bytes as it had."""
    hidden = volume / HIDDEN
    with tarfile.open(fileobj=sys.stdout.buffer, mode="w|", bufsize=CHUNK, format=tarfile.PAX_FORMAT) as archive:
        for line in (hidden / INDEX).open(encoding="utf-8"):
            entry = json.loads(line)
            info = tarfile.TarInfo(entry["path"])
            info.mode, info.mtime = stat.S_IMODE(entry["mode"]), entry["mtime"] // 10**9
            if "file" in entry:
                info.size = entry["size"]
                _send_file(archive, info, hidden / entry["file"], entry)
            elif "target" in entry:
                info.type, info.linkname = tarfile.SYMTYPE, entry["target"]
                archive.addfile(info)
            else:
                info.type = tarfile.DIRTYPE
                archive.addfile(info)
            # It would remember every one.
            archive.members = []  # ty: ignore[missing-attribute]


def _send_file(archive: tarfile.TarFile, info: tarfile.TarInfo, path: Path, entry: dict[str, Any]) -> None:
    with path.open("rb") as file:
        try:
            archive.addfile(info, file)
        except OSError as error:
            sys.exit(f"{info.name} cannot be read to its end: {error}")
        if entry["settled"] and os.fstat(file.fileno()).st_mtime_ns != entry["mtime"]:
            sys.exit(f"{info.name} was written anew while it was saved")


def fill(volume: Path) -> None:
    """Lay out what a tar has."""
    with tarfile.open(fileobj=sys.stdin.buffer, mode="r|", bufsize=CHUNK) as archive:
        while info := archive.next():
            path = volume / info.name
            if PurePosixPath(info.name).is_absolute() or ".." in PurePosixPath(info.name).parts:
                sys.exit(f"{info.name} would be outside")
            if info.isdir():
                path.mkdir(exist_ok=True)
                path.chmod(info.mode | 0o700)
            elif info.issym():
                target = os.path.normpath(PurePosixPath(info.name).parent / info.linkname)
                if target.startswith(("/", "..")):
                    # What is laid out later could be written through it.
                    sys.exit(f"{info.name} would lead outside")
                path.symlink_to(info.linkname)
            else:
                source = archive.extractfile(info)
                if source is None:
                    sys.exit(f"{info.name} is neither a file nor a folder")
                with source, path.open("wb") as target:
                    shutil.copyfileobj(source, target, CHUNK)
                path.chmod(info.mode)
                os.utime(path, (info.mtime, info.mtime))
            archive.members = []  # ty: ignore[missing-attribute]
    while sys.stdin.buffer.read(CHUNK):
        pass
    os.sync()


def _say(value: object) -> None:
    print(json.dumps(value), flush=True)  # noqa: T201 - it is read by the command


if __name__ == "__main__":
    verb, folder, *names = sys.argv[1:]
    if verb == "hold":
        hold([Path(folder, name) for name in names])
    else:
        {"send": send, "fill": fill}[verb](Path(folder, names[0]))
