"""The script that runs in a container, run here as there: by a Python of its own, with nothing but its text."""

import io
import json
import os
import socket
import subprocess
import sys
import tarfile
import time
from pathlib import Path

import pytest

from atoll_control.backup import inside

TEXT = Path(inside.__file__).read_text()
OLD = time.time() - 10 * inside.SETTLED


@pytest.fixture
def volumes(tmp_path) -> Path:
    """Two volumes, with an old file and a young one each."""
    for name in ("store", "mlflow"):
        folder = tmp_path / name / "folder"
        folder.mkdir(parents=True)
        for file in ("old", "young"):
            (folder / file).write_text(f"{file} of {name}")
        os.utime(folder / "old", (OLD, OLD))
    return tmp_path


def command(*arguments: str | Path) -> list[str]:
    return [sys.executable, "-ISc", TEXT, *map(str, arguments)]


class Holder:
    """What holds volumes while the block runs."""

    def __init__(self, folder: Path, *names: str) -> None:
        self.folder = folder
        self.process = subprocess.Popen(
            command("hold", folder, *names), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def __enter__(self) -> "Holder":
        assert self.hear() == {"ready": True}
        return self

    def __exit__(self, *_: object) -> None:
        self.process.communicate()
        assert self.process.returncode == 0

    def hear(self):
        return json.loads(self.process.stdout.readline())

    def keep(self):
        self.process.stdin.write("now\n")
        self.process.stdin.flush()
        return self.hear()

    def send(self, name: str) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(command("send", self.folder, name), capture_output=True, check=False)

    def sent(self, name: str) -> dict[str, bytes]:
        """Return the files of what is sent."""
        done = self.send(name)
        assert done.returncode == 0, done.stderr
        with tarfile.open(fileobj=io.BytesIO(done.stdout)) as archive:
            return {info.name: archive.extractfile(info).read() for info in archive if info.isfile()}


def fill(folder: Path, name: str, content: bytes) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(command("fill", folder, name), input=content, capture_output=True, check=False)


def test_what_happens_after_the_moment_is_not_in_it(volumes):
    store = volumes / "store" / "folder"
    with Holder(volumes, "store", "mlflow") as holder:
        (store / "before").write_text("before the moment")
        assert holder.keep() == {"store": {"files": 3, "size": 43}, "mlflow": {"files": 2, "size": 28}}
        (store / "later").write_text("later")
        with (store / "old").open("a") as file:
            file.write(" and more")
        (store / "next").write_text("another file under its name")
        (store / "next").replace(store / "young")
        (store / "before").unlink()
        (volumes / "mlflow" / "folder" / "young").write_text("written anew")
        assert holder.sent("store") == {
            "folder/old": b"old of store",
            "folder/young": b"young of store",
            "folder/before": b"before the moment",
        }
        assert holder.sent("mlflow")["folder/young"] == b"young of mlflow"
    assert not list(volumes.rglob(inside.HIDDEN))


@pytest.mark.parametrize("change", ["other of mlflow", "short"])
def test_an_old_file_that_is_written_anew_meanwhile_is_refused(volumes, change):
    with Holder(volumes, "mlflow") as holder:
        holder.keep()
        (volumes / "mlflow" / "folder" / "old").write_text(change)
        done = holder.send("mlflow")
    assert done.returncode == 1
    assert b"folder/old " in done.stderr.splitlines()[-1]


def test_nobody_but_the_holder_pays_for_what_is_kept(volumes):
    """Links, and no copies, but of what may be written anew."""
    with Holder(volumes, "store", "mlflow") as holder:
        holder.keep()
        links = {path: path.stat().st_nlink for path in volumes.rglob("folder/*")}
        assert {str(path.relative_to(volumes)): count for path, count in links.items()} == {
            "store/folder/old": 2,
            "store/folder/young": 2,
            "mlflow/folder/old": 2,
            "mlflow/folder/young": 1,
        }


def test_where_nothing_can_be_linked_it_is_copied(volumes, monkeypatch):
    def refuse(*_):
        raise PermissionError

    monkeypatch.setattr(Path, "hardlink_to", refuse)
    inside.keep(volumes / "store")
    (volumes / "store" / "folder" / "old").write_text("written anew")
    kept = volumes / "store" / inside.HIDDEN
    assert {path.read_text() for path in kept.iterdir() if path.name != inside.INDEX} == {
        "old of store",
        "young of store",
    }


def test_what_goes_while_it_is_looked_at_is_passed_over(volumes, monkeypatch):
    walk = inside._walk

    def lose(*folders):
        for path, found in list(walk(*folders)):
            if path.name == "old":
                path.unlink(missing_ok=True)
            yield path, found

    monkeypatch.setattr(inside, "_walk", lose)
    assert inside.keep(volumes / "mlflow") == {"files": 1, "size": 15}


def test_everything_is_as_it_was(volumes, tmp_path_factory):
    store, target = volumes / "store", tmp_path_factory.mktemp("target")
    (store / "empty").mkdir()
    (store / ("long" * 50)).write_bytes(os.urandom(3_000_000))
    (store / "protected").write_text("protected")
    (store / "protected").chmod(0o440)
    (store / "link").symlink_to("folder/old")
    (store / os.fsdecode(b"caf\xe9 \n")).write_text("a name that is no text")
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(str(store / "socket"))
        with Holder(volumes, "store") as holder:
            holder.keep()
            sent = holder.send("store").stdout
    (target / "store" / "folder").mkdir(parents=True)
    assert fill(target, "store", sent).stderr == b""
    made = target / "store"
    names = {path.relative_to(store) for path in store.rglob("*")} - {Path("socket")}
    assert {path.relative_to(made) for path in made.rglob("*")} == names
    for path in made.rglob("*"):
        before = store / path.relative_to(made)
        assert path.lstat().st_mode == before.lstat().st_mode, path
        if path.is_file():
            assert path.read_bytes() == before.read_bytes()
            assert int(path.stat().st_mtime) == int(before.stat().st_mtime)
    assert (made / "link").readlink() == Path("folder/old")


def test_a_stream_that_was_cut_off_does_not_pass_for_a_volume(volumes, tmp_path):
    with Holder(volumes, "store") as holder:
        holder.keep()
        sent = holder.send("store").stdout
    target = tmp_path / "target"
    (target / "store").mkdir(parents=True)
    assert fill(target, "store", sent[:1030]).returncode != 0


@pytest.mark.parametrize("name", ["../outside", "/outside", "a/../../outside"])
def test_nothing_is_laid_out_beside_the_volume(tmp_path, name):
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as archive:
        archive.addfile(tarfile.TarInfo(name))
    (tmp_path / "store").mkdir()
    done = fill(tmp_path, "store", content.getvalue())
    assert done.returncode == 1
    assert done.stderr.endswith(b"would be outside\n")
    assert [path.name for path in tmp_path.iterdir()] == ["store"]


@pytest.mark.parametrize("target", ["/run/secrets", "../../run/secrets", "folder/../../secrets"])
def test_a_link_that_leads_outside_of_its_volume_is_refused(tmp_path, target):
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as archive:
        info = tarfile.TarInfo("link")
        info.type, info.linkname = tarfile.SYMTYPE, target
        archive.addfile(info)
    (tmp_path / "store").mkdir()
    done = fill(tmp_path, "store", content.getvalue())
    assert done.returncode == 1
    assert done.stderr.endswith(b"link would lead outside\n")
    assert list((tmp_path / "store").iterdir()) == []


def test_what_a_killed_one_has_left_is_removed_by_the_next(volumes):
    with Holder(volumes, "store") as holder:
        holder.keep()
        holder.process.kill()
        holder.process.communicate()
        assert (volumes / "store" / inside.HIDDEN).is_dir()
        holder.process = Holder(volumes, "store").process
        assert holder.hear() == {"ready": True}
        assert not (volumes / "store" / inside.HIDDEN).exists()
        assert holder.keep() == {"store": {"files": 2, "size": 26}}


def test_its_input_ends_before_the_moment_when_a_backup_is_given_up(volumes):
    with Holder(volumes, "store"):
        pass
    assert not list(volumes.rglob(inside.HIDDEN))
