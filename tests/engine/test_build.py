"""Images: what is in them, what is not, and that what was edited is in the next one."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from clone import Clone
from engine import docker, inspect
from trials import NAME as TRIALS

# A second project that takes the library; the others are not built here.
OTHER = "vehicle_prices"
PROJECT = "code_locations/trials/src/trials/marked.py"
LIBRARY = "shared/atoll/src/atoll/marked.py"

# Steps of a Dockerfile that add a layer.
LAYERS = ("RUN", "COPY", "WORKDIR", "/bin/sh -c")

# What an image says of itself: who runs it, what of a build it has, and which code compiles and has no
# bytecode, but for tests.
SCRIPT = r"""
import importlib.util, json, os, pathlib, shutil, sys, sysconfig

def lacks_bytecode(path):
    if "tests" in path.parts or pathlib.Path(importlib.util.cache_from_source(str(path))).exists():
        return False
    try:
        compile(path.read_bytes(), str(path), "exec")
    except (SyntaxError, ValueError):
        return False
    return True

installed, own = pathlib.Path(sysconfig.get_path("purelib")), pathlib.Path(sysconfig.get_path("stdlib"))
sources = [*installed.rglob("*.py"), *own.glob("*.py"), *own.glob("asyncio/*.py")]
print(json.dumps({
    "user": [os.getuid(), os.getgid()],
    "programs": [name for name in sys.argv[1:] if shutil.which(name)],
    "left": [str(path) for folder in ("/tmp", "/run/secrets", "/cache", "/src", "/uv", "/root")
             for path in pathlib.Path(folder).glob("*")],
    "tests": [str(path) for path in installed.glob("tests")],
    "sources": len(sources),
    "bytecode_lacks": [str(path) for path in sources if lacks_bytecode(path)],
    "writable": os.access(installed, os.W_OK),
    "atoll": [path.name for path in pathlib.Path("/atoll").iterdir()],
}))
"""

# Not pip: public Python images come with one.
TOOLS = ("gcc", "cc", "c++", "g++", "make", "uv", "git")


class Workshop(NamedTuple):
    """A clone whose files are edited, and put back at the end."""

    clone: Clone
    was: dict[Path, bytes | None]

    def write(self, path: str, text: str | None) -> None:
        """Give a file a text, or take it away."""
        file = self.clone.root / path
        self.was.setdefault(file, file.read_bytes() if file.exists() else None)
        if text is None:
            file.unlink()
        else:
            file.write_text(text)

    def mark(self, project: str | None, library: str | None) -> None:
        """Write a module of the project and one of the library that say a word; None takes it away."""
        for path, word in ((PROJECT, project), (LIBRARY, library)):
            self.write(path, word and f"WORD = {word!r}\n")

    def undo(self) -> None:
        for file, content in self.was.items():
            if content is not None:
                file.write_bytes(content)
            else:
                file.unlink(missing_ok=True)

    def build(self, *arguments: str) -> dict[str, dict[str, Any]]:
        done = self.clone.atoll("build", *arguments, "--json")
        assert done.code == 0, done.text
        return {each["name"]: each for each in json.loads(done.stdout)}

    def plan(self, *names: str) -> dict[str, str]:
        """Why each would be built; what would not is not in it."""
        return {name: each["why"] for name, each in self.build(*names, "--dry-run").items() if each["why"]}


@pytest.fixture
def workshop(built) -> Iterator[Workshop]:
    record = built.clone.root / ".atoll" / "builds.json"
    shop = Workshop(built.clone, {record: record.read_bytes()})
    try:
        yield shop
    finally:
        shop.undo()


def images(clone: Clone) -> dict[str, str]:
    """The name by digest of each image that was built last."""
    record = json.loads((clone.root / ".atoll" / "builds.json").read_text())
    return {name: image["reference"] for name, image in record.items()}


def words(image: str, *modules: str) -> list[str]:
    """What the marked modules say in an image; `gone` where there is none."""
    program = (
        "import importlib, importlib.util as u\n"
        f"for name in {modules!r}:\n"
        "    print(importlib.import_module(name).WORD if u.find_spec(name) else 'gone')"
    )
    return docker("run", "--rm", "--network=none", "--read-only", image, "python", "-c", program).split()


def layers(image: str) -> dict[str, int]:
    """The bytes of each layer of an image, by its digest, from the base up."""
    history = docker("history", "--no-trunc", "--human=false", "--format", "{{.Size}}\t{{.CreatedBy}}", image)
    steps = [line.split("\t") for line in reversed(history.splitlines())]
    base, *later = steps
    sizes = [int(base[0]), *(int(size) for size, step in later if step.startswith(LAYERS))]
    return dict(zip(inspect(image)[0]["RootFS"]["Layers"], sizes, strict=True))


def test_every_image_was_built_pushed_and_named_by_digest(built):
    found = images(built.clone)
    assert set(found) == {"control", "mlflow", *built.clone.locations}
    for name, reference in found.items():
        assert reference.startswith(f"127.0.0.1:5005/atoll/{name}@sha256:")
        assert f"{name}: never built" in built.said.stderr
        docker("pull", "--quiet", reference)


def test_nothing_is_built_when_nothing_changed(built, workshop):
    before = images(built.clone)
    assert workshop.plan() == {}
    assert {each["why"] for each in workshop.build().values()} == {None}
    assert images(built.clone) == before


def test_images_have_labels_and_run_as_nobody_in_particular(built):
    for name, image in images(built.clone).items():
        (described,) = inspect(image)
        config, record = described["Config"], json.loads((built.clone.root / ".atoll" / "builds.json").read_text())
        assert config["User"] == "10001:10001"
        assert config["Labels"]["atoll.project"] == name
        assert config["Labels"]["atoll.lock"] == record[name]["lock"]
        commit = built.clone.run("git", "log", "-1", "--format=%H").stdout.strip()
        assert len(config["Labels"]["org.opencontainers.image.revision"]) == len(commit) == 40


def test_an_image_has_bytecode_and_neither_a_compiler_nor_anything_of_the_build(built):
    for name, image in images(built.clone).items():
        run = ("run", "--rm", "--network=none", "--read-only", image, "python", "-B", "-c", SCRIPT, *TOOLS)
        said = json.loads(docker(*run))
        assert said["user"] == [10001, 10001]
        assert said["programs"] == [], name
        assert said["left"] == [], name
        assert said["tests"] == [], name
        assert said["sources"] > 1000, name
        assert said["bytecode_lacks"] == [], name
        assert not said["writable"]
        expected = {"control": ["dagster_home"], "mlflow": []}.get(name, ["code_locations"])
        assert said["atoll"] == expected


def test_programs_of_the_environment_start(built):
    found = images(built.clone)
    for name, program in (("control", "dagster-webserver"), ("mlflow", "mlflow"), (TRIALS, "dagster")):
        assert "version" in docker("run", "--rm", "--network=none", found[name], program, "--version")


def test_any_user_can_load_a_project(built):
    program = "import trials.definitions; print(len(trials.definitions.defs.assets))"
    run = ("run", "--rm", "--network=none", "--user=4321:4321", "--read-only", "--tmpfs=/tmp")
    assert int(docker(*run, images(built.clone)[TRIALS], "python", "-c", program).split()[-1]) > 0


def test_secrets_of_files_are_variables_of_the_command_alone(built, tmp_path):
    secret = tmp_path / "A_TOKEN"
    secret.write_text("of a file\n")
    mount = f"--mount=type=bind,source={secret},target=/run/secrets/environment/A_TOKEN,readonly"
    container = docker("create", "--network=none", mount, images(built.clone)[TRIALS], "printenv", "A_TOKEN").strip()
    try:
        assert docker("start", "--attach", container) == "of a file\n"
        assert "of a file" not in json.dumps(inspect(container))
    finally:
        docker("rm", "--force", container)


def test_the_next_image_has_what_was_edited_and_nothing_else_is_new(workshop):
    """Twice, since what the first build leaves in a cache must not be in the second."""
    modules = ("trials.marked", "atoll.marked")
    workshop.mark("first", "first")
    plan = workshop.plan()
    assert plan[TRIALS] == f"the project changed: {PROJECT}; the library changed: {LIBRARY}"
    assert set(plan) == set(workshop.clone.locations)
    assert {why for name, why in plan.items() if name != TRIALS} == {f"the library changed: {LIBRARY}"}
    first = workshop.build(TRIALS, OTHER)
    assert words(first[TRIALS]["reference"], *modules) == ["first", "first"]
    assert words(first[OTHER]["reference"], "atoll.marked") == ["first"]

    workshop.mark("second", "second")
    second = workshop.build(TRIALS, OTHER)
    assert words(second[TRIALS]["reference"], *modules) == ["second", "second"]
    assert words(second[OTHER]["reference"], "atoll.marked") == ["second"]

    workshop.mark("third", "second")
    assert workshop.plan(TRIALS, OTHER) == {TRIALS: f"the project changed: {PROJECT}"}
    third = workshop.build(TRIALS, OTHER)
    assert third[OTHER]["reference"] == second[OTHER]["reference"]
    before, after = (layers(each[TRIALS]["reference"]) for each in (second, third))
    new = [size for digest, size in after.items() if digest not in before]
    assert len(new) == 1
    assert 0 < sum(new) < 1_000_000

    workshop.mark(None, None)
    fourth = workshop.build(TRIALS, OTHER)
    assert words(fourth[TRIALS]["reference"], *modules) == ["gone", "gone"]
    assert words(fourth[OTHER]["reference"], "atoll.marked") == ["gone"]


def test_tests_and_texts_are_no_reason_to_build(workshop):
    for path in ("code_locations/trials/README.md", "code_locations/trials/tests/test_it.py", "shared/atoll/README.md"):
        (workshop.clone.root / path).parent.mkdir(exist_ok=True)
        workshop.write(path, "edited\n")
    assert workshop.plan() == {}


def test_a_lock_that_does_not_fit_is_explained_and_the_others_are_built(built, workshop):
    manifest = "code_locations/trials/pyproject.toml"
    text = (workshop.clone.root / manifest).read_text()
    workshop.write(manifest, text.replace('dependencies = ["atoll"', 'dependencies = ["humanize", "atoll"'))
    done = built.clone.atoll("build", TRIALS, "control")
    assert done.code == 2
    assert "the image of trials cannot be built." in done.stderr
    assert "its uv.lock does not fit its pyproject.toml" in done.stderr
    assert "./atoll uv lock --project code_locations/trials" in done.stderr
    assert "control: unchanged" in done.stderr
