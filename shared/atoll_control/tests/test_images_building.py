import json

import pytest
from trial_images import commit, make_client, make_repository, read_record, write

from atoll_control.errors import UserError
from atoll_control.images import registry
from atoll_control.images.building import explain_build, stage
from atoll_control.images.inputs import read_inputs
from atoll_control.images.record import read_builds
from atoll_control.images.settings import BuildSettings, read_build_settings
from atoll_control.process import Output, exclusive
from atoll_control.workflows.build import build

DIGEST = "sha256:" + "7".zfill(64)
HERE = "registry.example:443/atoll"


@pytest.fixture
def client(tmp_path_factory, monkeypatch):
    for name in ("REGISTRY", "REGISTRY_IMAGE", "BASE_IMAGE", "BUILD_CA", "BUILD_NETWORK"):
        monkeypatch.delenv(f"ATOLL_{name}", raising=False)
    monkeypatch.setattr(registry, "_ask", lambda settings, path: 200)
    client = make_client(tmp_path_factory.mktemp("docker") / "bin")
    monkeypatch.setenv("ATOLL_DOCKER", str(client.path))
    monkeypatch.setenv("ATOLL_UV", str(client.uv))
    return client


@pytest.fixture
def alpha(checkout, add_project):
    folder = add_project("alpha")
    make_repository(checkout, folder)
    return folder


@pytest.fixture
def plan(checkout, client, alpha, capsys):
    """Say why each image would be built, after everything was."""
    assert build(checkout, [], push=True, dry_run=False, as_json=False) == 0
    client.forget()

    def reasons(push: bool = True) -> dict[str, str]:
        capsys.readouterr()
        assert build(checkout, [], push=push, dry_run=True, as_json=True) == 0
        assert client.told("build") == client.told("push") == []
        return {step["name"]: step["why"] for step in json.loads(capsys.readouterr().out) if step["why"]}

    return reasons


def test_everything_is_built_once_and_named_by_digest(checkout, client, alpha, capsys):
    assert build(checkout, [], push=True, dry_run=False, as_json=True) == 0
    said = json.loads(capsys.readouterr().out)
    assert [(each["name"], each["why"]) for each in said] == [
        ("control", "never built"),
        ("mlflow", "never built"),
        ("alpha", "never built"),
    ]
    record = read_record(checkout)
    assert {name: image["reference"] for name, image in record.items()} == {
        name: f"{HERE}/{name}@{DIGEST}" for name in ("control", "mlflow", "alpha")
    }
    assert [each["reference"] for each in said] == [f"{HERE}/{each['name']}@{DIGEST}" for each in said]
    client.forget()
    assert build(checkout, [], push=True, dry_run=False, as_json=False) == 0
    assert client.told("build") == client.told("push") == []
    assert "alpha: unchanged" in capsys.readouterr().err


def test_tags_are_the_content_and_the_commit_and_labels_say_what_it_is(checkout, client, alpha):
    build(checkout, ["alpha"], push=True, dry_run=False, as_json=False)
    image = read_builds(checkout)["alpha"]
    tags = [f"{HERE}/alpha:{image.content[:12]}", f"{HERE}/alpha:{image.commit[:12]}"]
    (told,) = client.told("build")
    assert [part.partition("=")[2] for part in told if part.startswith("--tag=")] == tags
    assert sorted(call[1] for call in client.told("push")) == sorted(tags)
    assert {part.partition("=")[2] for part in told if part.startswith("--label=")} == {
        "atoll.project=alpha",
        f"atoll.lock={image.lock}",
        f"atoll.content={image.content}",
        f"org.opencontainers.image.revision={image.commit}",
    }


def test_a_commit_names_no_image_in_which_something_else_is(checkout, client, alpha):
    write(alpha / "src" / "alpha" / "__init__.py", "edited")
    build(checkout, ["alpha"], push=True, dry_run=False, as_json=False)
    image = read_builds(checkout)["alpha"]
    assert image.commit.endswith("+dirty")
    assert [call[1] for call in client.told("push")] == [f"{HERE}/alpha:{image.content[:12]}"]


def test_nothing_changed_means_nothing_to_build(plan):
    assert plan() == {}


def test_the_plan_names_what_changed_and_whom_it_touches(plan, checkout, alpha, add_project):
    write(alpha / "src" / "alpha" / "one.py", "")
    write(alpha / "src" / "alpha" / "two.py", "")
    assert plan() == {"alpha": "the project changed: code_locations/alpha/src/alpha/one.py and 1 more"}
    write(alpha / "uv.lock", "another")
    assert "; the lock changed: code_locations/alpha/uv.lock" in f"; {plan()['alpha']}"
    commit(checkout)
    build(checkout, ["alpha"], push=True, dry_run=False, as_json=False)


def test_a_change_of_the_library_touches_the_projects(plan, checkout, alpha):
    write(checkout.root / "shared" / "atoll" / "src" / "atoll" / "__init__.py", "edited")
    assert plan() == {"alpha": "the library changed: shared/atoll/src/atoll/__init__.py"}


def test_a_file_that_is_gone_is_a_change(plan, alpha):
    (alpha / "src" / "alpha" / "__init__.py").unlink()
    assert plan() == {"alpha": "the project changed: code_locations/alpha/src/alpha/__init__.py"}


def test_tests_and_texts_are_no_reason(plan, checkout, alpha):
    for path in ("tests/test_it.py", "tests/test_more.py", "README.md", "docs/it.md"):
        write(alpha / path, "edited")
    write(checkout.root / "shared" / "atoll" / "uv.lock", "edited")
    assert plan() == {}


def test_a_change_of_the_recipe_touches_all(plan, checkout):
    write(checkout.deploy / "Dockerfile", "FROM another")
    assert set(plan().values()) == {"the recipe changed: deploy/Dockerfile"}
    assert len(plan()) == 3


def test_another_base_image_is_a_reason_and_one_that_is_not_there_is_none(plan, client):
    client.change_base("sha256:another")
    assert set(plan().values()) == {"the base image is another"}
    client.change_base("")
    assert plan() == {}


def test_an_image_that_the_registry_has_lost_is_built_again(plan, monkeypatch):
    monkeypatch.setattr(registry, "_ask", lambda settings, path: 404 if path.startswith("atoll/mlflow/") else 200)
    assert plan() == {"mlflow": "not in the registry any more"}
    monkeypatch.setattr(registry, "_ask", lambda settings, path: None)
    assert plan() == {}
    monkeypatch.setenv("ATOLL_REGISTRY", "another.example")
    assert set(plan().values()) == {"not in the registry yet"}


def test_a_change_of_code_asks_docker_and_uv_for_no_more_than_it_needs(checkout, client, alpha):
    build(checkout, ["alpha"], push=True, dry_run=False, as_json=False)
    assert client.checked == ["alpha"]
    client.forget()
    write(alpha / "src" / "alpha" / "__init__.py", "edited")
    build(checkout, ["alpha"], push=True, dry_run=False, as_json=False)
    assert [call[0] for call in client.calls] == ["image", "build", "push"]
    assert client.checked == []


@pytest.mark.parametrize("path", ["code_locations/alpha/pyproject.toml", "code_locations/alpha/uv.lock"])
def test_the_lock_is_checked_again_when_a_manifest_changed(checkout, client, alpha, path):
    build(checkout, ["alpha"], push=True, dry_run=False, as_json=False)
    client.forget()
    file = checkout.root / path
    write(file, file.read_text() + "\n")
    build(checkout, ["alpha"], push=True, dry_run=False, as_json=False)
    assert client.checked == ["alpha"]


def test_without_a_push_an_image_has_a_tag_of_this_machine_until_it_is_pushed(checkout, client, alpha, capsys):
    assert build(checkout, ["alpha"], push=False, dry_run=False, as_json=False) == 0
    image = read_builds(checkout)["alpha"]
    assert image.reference == f"{HERE}/alpha:{image.content[:12]}"
    assert image.digest is None
    assert client.told("push") == []
    build(checkout, ["alpha"], push=False, dry_run=True, as_json=False)
    assert "unchanged: alpha" in capsys.readouterr().err
    build(checkout, ["alpha"], push=True, dry_run=True, as_json=False)
    assert "would build alpha: not in the registry yet" in capsys.readouterr().err


def test_one_that_cannot_be_built_is_explained_and_the_others_are_built(checkout, client, alpha, capsys):
    client.fail("build", "#9 1.2 error: the code is broken\n", when="FOLDER=deploy/mlflow")
    assert build(checkout, [], push=True, dry_run=False, as_json=True) == 2
    out, err = capsys.readouterr()
    assert [bool(each["problem"]) for each in json.loads(out)] == [False, True, False]
    assert "the image of mlflow cannot be built" in err
    assert "the code is broken." in err
    assert "error: the code is broken" in (checkout.state / "logs" / "build" / "mlflow.log").read_text()
    assert set(read_record(checkout)) == {"control", "alpha"}
    client.work("build")
    assert build(checkout, [], push=True, dry_run=False, as_json=False) == 0
    assert set(read_record(checkout)) == {"control", "alpha", "mlflow"}


def test_one_that_cannot_be_pushed_is_not_recorded(checkout, client, alpha, capsys):
    client.fail("push", "denied: not yours.\n")
    assert build(checkout, ["alpha"], push=True, dry_run=False, as_json=False) == 2
    said = capsys.readouterr().err
    assert "the image of alpha cannot be pushed." in said
    assert "denied: not yours." in said
    assert read_builds(checkout) == {}


@pytest.mark.parametrize(
    ("folder", "name", "how"),
    [
        ("code_locations/alpha", "alpha", "./atoll uv lock --project code_locations/alpha"),
        (".", "control", "./atoll uv lock\n"),
    ],
)
def test_a_lock_that_does_not_fit_is_explained(checkout, client, alpha, capsys, folder, name, how):
    (checkout.root / folder / "uv.lock").unlink()
    assert build(checkout, [name], push=True, dry_run=False, as_json=False) == 2
    said = capsys.readouterr().err
    assert f"the image of {name} cannot be built." in said
    assert "its uv.lock does not fit" in said
    assert how in said
    assert client.told("build") == []


def test_a_name_that_is_none_is_refused(checkout, client, alpha):
    with pytest.raises(UserError) as caught:
        build(checkout, ["beta"], push=True, dry_run=True, as_json=False)
    assert caught.value.what == "there is no code location beta."


def test_a_project_that_cannot_be_one_is_left_out_aloud_and_refused_by_name(checkout, client, alpha, capsys):
    (checkout.code_locations / "class").mkdir()
    assert build(checkout, [], push=True, dry_run=True, as_json=False) == 0
    said = capsys.readouterr().err
    assert "class is left out" in said
    assert "would build alpha" in said
    with pytest.raises(UserError) as caught:
        build(checkout, ["class"], push=True, dry_run=True, as_json=False)
    assert "class cannot be the name" in caught.value.what


def test_two_builds_at_once_are_refused(checkout, client, alpha):
    with exclusive(checkout.state / "build.lock"), pytest.raises(UserError) as caught:
        build(checkout, [], push=True, dry_run=False, as_json=False)
    assert caught.value.what == "nothing was built."


def test_a_base_image_that_is_not_there_is_pulled(checkout, client, alpha):
    client.change_base("")
    build(checkout, ["alpha"], push=True, dry_run=False, as_json=False)
    assert client.told("pull") == [["pull", "--quiet", "python:3.11-slim"]]
    client.fail("pull", "no such host.\n")
    with pytest.raises(UserError) as caught:
        build(checkout, ["alpha"], push=True, dry_run=False, as_json=False)
    assert caught.value.what == "the base image python:3.11-slim is not there."
    assert caught.value.why == "no such host."


def test_each_step_gets_only_what_it_installs(checkout, client, alpha):
    build(checkout, ["alpha"], push=False, dry_run=False, as_json=False)
    context = client.context
    assert [path for path in context if not path.startswith(("library/", "project/"))] == [
        "install",
        "manifests/code_locations/alpha/pyproject.toml",
        "manifests/code_locations/alpha/uv.lock",
        "manifests/shared/atoll/pyproject.toml",
        "root/atoll/code_locations/alpha/uv.lock",
        "root/entrypoint",
    ]
    assert [path for path in context if path.startswith(("library/", "project/"))] == [
        "library/shared/atoll/README.md",
        "library/shared/atoll/pyproject.toml",
        "library/shared/atoll/src/atoll/__init__.py",
        "project/code_locations/alpha/README.md",
        "project/code_locations/alpha/pyproject.toml",
        "project/code_locations/alpha/src/alpha/__init__.py",
        "project/code_locations/alpha/src/alpha/definitions.py",
        "project/code_locations/alpha/uv.lock",
    ]
    (told,) = client.told("build")
    assert {"--build-arg=PROJECT=code_locations/alpha", "--build-arg=LIBRARIES=shared/atoll"} < set(told)


def test_the_control_plane_has_the_servers_instance_and_a_target_of_its_own(checkout, client, alpha):
    build(checkout, ["control"], push=False, dry_run=False, as_json=False)
    assert "root/atoll/dagster_home/dagster.yaml" in client.context
    (told,) = client.told("build")
    assert "--target=control" in told
    assert "--build-arg=PROJECT=" in told
    assert "--build-arg=LIBRARIES=shared/atoll_control" in told


def test_everybody_may_read_what_is_staged_and_a_readme_is_there_and_empty(checkout, alpha, tmp_path_factory):
    (alpha / "src" / "alpha" / "definitions.py").chmod(0o600)
    context = tmp_path_factory.mktemp("context")
    stage(checkout, read_inputs(checkout, "alpha"), context)
    modes = {str(path.relative_to(context)): path.stat().st_mode & 0o777 for path in context.rglob("*")}
    assert modes["project/code_locations/alpha/src/alpha/definitions.py"] == 0o644
    assert modes["project/code_locations/alpha/src"] == modes["root/entrypoint"] == 0o755
    for readme in ("project/code_locations/alpha/README.md", "library/shared/atoll/README.md"):
        assert (context / readme).read_text() == ""


def test_a_certificate_is_handed_over_as_a_secret_and_no_argument(checkout, client, alpha, monkeypatch, tmp_path):
    write(tmp_path / "ca.pem", "the certificate")
    monkeypatch.setenv("ATOLL_BUILD_CA", str(tmp_path / "ca.pem"))
    monkeypatch.setenv("ATOLL_BUILD_NETWORK", "host")
    build(checkout, ["alpha"], push=False, dry_run=False, as_json=False)
    (told,) = client.told("build")
    assert f"--secret=id=ca,src={tmp_path}/ca.pem" in told
    assert "--network=host" in told
    assert "the certificate" not in " ".join(told)


@pytest.mark.parametrize(
    ("printed", "why", "how"),
    [
        ("Group `server` is not defined in the project", "needs on a server", "server = "),
        ("write /x: no space left on device", "the disk is full.", "docker system df"),
        ("BuildKit is enabled but the buildx component is missing or broken.", "has no BuildKit", "buildx"),
        ("error: Failed to fetch: `https://pypi.org/simple/`", "cannot be reached", "connect to a network"),
        ("#9 0.5 error: a thing\nERROR: another", "a thing.", "see a.log"),
        ("something", "something.", "see a.log"),
    ],
)
def test_what_a_build_prints_is_explained(checkout, alpha, printed, why, how):
    problem = explain_build(read_inputs(checkout, "mlflow"), Output(1, "", printed), "a.log")
    assert problem.what == "the image of mlflow cannot be built."
    assert why in problem.why
    assert how in problem.how


def test_the_environment_wins_over_the_file(checkout, client, alpha, monkeypatch):
    assert read_build_settings(checkout) == BuildSettings("registry.example:443", "registry:2", "python:{python}-slim")
    monkeypatch.setenv("ATOLL_REGISTRY", "localhost:5005")
    monkeypatch.setenv("ATOLL_BASE_IMAGE", "base")
    settings = read_build_settings(checkout)
    assert (settings.registry, settings.base, settings.own_registry) == ("localhost:5005", "base", True)


@pytest.mark.parametrize(("text", "why"), [("registry = ", "does not parse"), ('registry = "a"', "registry_image")])
def test_settings_that_cannot_be_read_are_explained(checkout, client, text, why):
    write(checkout.deploy / "build.toml", text)
    with pytest.raises(UserError) as caught:
        read_build_settings(checkout)
    assert caught.value.what == "deploy/build.toml cannot be read."
    assert why in caught.value.why


def test_a_damaged_record_is_as_none(checkout):
    for text in ("{", '{"alpha": {"name": "alpha"}}', "[]"):
        write(checkout.state / "builds.json", text)
        assert read_builds(checkout) == {}
