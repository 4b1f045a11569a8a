import pytest
from trial_images import commit, make_repository, write

from atoll_control.errors import UserError
from atoll_control.images.inputs import image_names, read_inputs
from atoll_control.images.tracked import find_commit

RECIPE = {"deploy/Dockerfile", "deploy/install", "deploy/entrypoint"}
ALPHA = "code_locations/alpha"
PROJECT = {
    f"{ALPHA}/pyproject.toml",
    f"{ALPHA}/uv.lock",
    f"{ALPHA}/src/alpha/__init__.py",
    f"{ALPHA}/src/alpha/definitions.py",
}
LIBRARY = {"shared/atoll/pyproject.toml", "shared/atoll/src/atoll/__init__.py"}


@pytest.fixture
def alpha(checkout, add_project):
    folder = add_project("alpha")
    make_repository(checkout, folder)
    return folder


def files(checkout, name="alpha"):
    return set(read_inputs(checkout, name).files)


def test_every_project_and_service_has_an_image_and_so_has_the_control_plane(checkout, alpha, add_project):
    add_project("beta")
    (checkout.code_locations / "notes").mkdir()
    assert image_names(checkout) == ["control", "mlflow", "alpha", "beta"]


def test_code_manifests_and_lock_of_the_project_and_code_of_the_library_go_in_and_no_test_or_text(checkout, alpha):
    assert files(checkout) == RECIPE | PROJECT | LIBRARY


def test_what_git_does_not_track_goes_in_unless_it_is_ignored(checkout, alpha):
    write(alpha / "src" / "alpha" / "new.py", "")
    write(alpha / ".venv" / "lib" / "it.py", "")
    write(checkout.root / "shared" / "atoll" / "src" / "atoll" / "new.py", "")
    assert files(checkout) - RECIPE - PROJECT - LIBRARY == {
        f"{ALPHA}/src/alpha/new.py",
        "shared/atoll/src/atoll/new.py",
    }


def test_what_was_deleted_does_not_go_in(checkout, alpha):
    (alpha / "src" / "alpha" / "__init__.py").unlink()
    assert f"{ALPHA}/src/alpha/__init__.py" not in files(checkout)


def test_only_the_manifests_of_what_is_no_package_go_in(checkout, alpha):
    write(checkout.deploy / "mlflow" / "notes.txt", "")
    assert files(checkout, "mlflow") == RECIPE | {"deploy/mlflow/pyproject.toml", "deploy/mlflow/uv.lock"}
    assert files(checkout, "control") == RECIPE | {
        "deploy/instance/dagster.yaml",
        "pyproject.toml",
        "uv.lock",
        "shared/atoll_control/pyproject.toml",
        "shared/atoll_control/src/atoll_control/__init__.py",
    }


def test_packages_that_packages_take_from_folders_go_in_too(checkout, alpha):
    source = (
        '[tool.uv.sources]\nmore = [{ path = "../more", marker = "python_version > \'3\'" }, { index = "other" }]\n'
    )
    manifest = checkout.root / "shared" / "atoll" / "pyproject.toml"
    write(manifest, manifest.read_text() + source)
    write(checkout.root / "shared" / "more" / "pyproject.toml", '[project]\nname = "more"\n')
    assert [package.distribution for package in read_inputs(checkout, "alpha").packages] == ["alpha", "atoll", "more"]
    assert "shared/more/pyproject.toml" in files(checkout)


def test_a_package_from_outside_of_the_checkout_is_refused(checkout, alpha, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    manifest = alpha / "pyproject.toml"
    taken = f'[tool.uv.sources]\nmore = {{ path = "{elsewhere}" }}\n'
    write(manifest, manifest.read_text().replace("[tool.uv.sources]\n", taken))
    with pytest.raises(UserError) as caught:
        read_inputs(checkout, "alpha")
    assert caught.value.what == "code_locations/alpha has no image."
    assert str(elsewhere) in caught.value.why


@pytest.mark.parametrize(
    ("requires", "python"),
    [(">=3.11,<3.13", "3.11"), (">=3.12", "3.12"), ("==3.13.*", "3.13"), (">=3.10", "3.11"), ("<3.14", "3.11")],
)
def test_the_python_is_the_oldest_that_both_take(checkout, alpha, requires, python):
    manifest = alpha / "pyproject.toml"
    write(manifest, manifest.read_text().replace('">=3.11"', f'"{requires}"'))
    assert read_inputs(checkout, "alpha").python == python


def test_the_commit_is_the_last_that_touched_what_goes_in(checkout, alpha):
    def found() -> str | None:
        return find_commit(checkout, read_inputs(checkout, "alpha").pathspecs)

    first = found()
    write(alpha / "tests" / "test_it.py", "more")
    commit(checkout)
    assert found() == first
    write(alpha / "tests" / "test_it.py", "not committed")
    assert found() == first
    (alpha / "src" / "alpha" / "__init__.py").unlink()
    assert found() == f"{first}+dirty"
    second = commit(checkout)
    assert found() == second != first


def test_a_folder_without_git_is_explained(checkout, add_project):
    add_project("alpha")
    with pytest.raises(UserError) as caught:
        read_inputs(checkout, "alpha")
    assert caught.value.what == "git cannot say what goes into the images."
    assert "not a git repository" in caught.value.why
