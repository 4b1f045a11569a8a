import pytest

from atoll_control.errors import UserError
from atoll_control.manifest import Limits, Smoke
from atoll_control.projects import check_name, discover_projects, select_projects


def test_every_folder_is_found_by_name_and_hidden_ones_are_not(checkout, add_project):
    add_project("beta")
    add_project("alpha")
    (checkout.code_locations / ".cache").mkdir()
    (checkout.code_locations / "__pycache__").mkdir()
    projects = discover_projects(checkout)
    assert [project.name for project in projects] == ["alpha", "beta"]
    assert projects[0].module == "alpha.definitions"
    assert projects[0].owner == "data-science"
    assert projects[0].problem is None


def test_a_folder_that_is_no_project_is_a_problem_of_its_own(checkout, add_project):
    add_project("alpha")
    (checkout.code_locations / "notes").mkdir()
    alpha, notes = discover_projects(checkout)
    assert alpha.problem is None
    assert str(notes.problem) == (
        "what: code_locations/notes is not a project.\n"
        "why:  it has no pyproject.toml.\n"
        "how:  add one, or move the folder out of code_locations/."
    )


def test_a_manifest_that_does_not_parse_names_the_place(checkout, add_project):
    (add_project("alpha") / "pyproject.toml").write_text("[project]\nname = \n")
    (alpha,) = discover_projects(checkout)
    assert alpha.problem.what == "code_locations/alpha cannot be read."
    assert "line 2" in alpha.problem.why


@pytest.mark.parametrize(
    "text", ['project = "x"', '[tool]\ndg = "x"', "[tool]\natoll = 1\n[tool.dg.project]\nroot_module = 'alpha'"]
)
def test_a_manifest_of_another_shape_is_a_problem_of_that_project_alone(checkout, add_project, text):
    (add_project("alpha") / "pyproject.toml").write_text(text)
    add_project("beta")
    alpha, beta = discover_projects(checkout)
    assert "is not a table" in alpha.problem.why
    assert beta.problem is None


def test_limits_and_secrets_are_those_of_the_manifest_or_the_usual_ones(checkout, add_project):
    text = (add_project("alpha") / "pyproject.toml").read_text()
    (alpha,) = discover_projects(checkout)
    assert (alpha.server, alpha.runs, alpha.secrets) == (Limits("1g", 1), Limits("2g", 2), ())
    own = '[tool.atoll.runs]\nmemory = "512m"\ncpus = 0.5\n'
    secrets = text.replace('owner = "data-science"', 'owner = "data-science"\nsecrets = ["API_KEY"]')
    (checkout.code_locations / "alpha" / "pyproject.toml").write_text(f"{secrets}\n{own}")
    (alpha,) = discover_projects(checkout)
    assert (alpha.server, alpha.runs, alpha.secrets) == (Limits("1g", 1), Limits("512m", 0.5), ("API_KEY",))


@pytest.mark.parametrize("line", ['memory = "2"', 'memory = "0g"', "memory = 2", "cpus = 0", 'cpus = "2"', "gpu = 1"])
def test_limits_that_cannot_be_are_explained(checkout, add_project, line):
    manifest = add_project("alpha") / "pyproject.toml"
    manifest.write_text(f"{manifest.read_text()}\n[tool.atoll.runs]\n{line}\n")
    (alpha,) = discover_projects(checkout)
    assert str(alpha.problem) == (
        "what: code_locations/alpha cannot be read.\n"
        "why:  [tool.atoll.runs] in its pyproject.toml does not say memory and cpus as they are said.\n"
        'how:  write memory = "2g" (m or g) and cpus = 2 (above 0) there, and nothing else.'
    )


def test_a_secret_has_the_name_of_a_variable(checkout, add_project):
    manifest = add_project("alpha") / "pyproject.toml"
    text = manifest.read_text().replace('owner = "data-science"', 'owner = "data-science"\nsecrets = ["api key"]')
    manifest.write_text(text)
    (alpha,) = discover_projects(checkout)
    assert alpha.problem.why == "its secret 'api key' is no name of an environment variable in capitals."


def test_a_manifest_that_is_a_folder_is_a_problem_of_that_project_alone(checkout, add_project):
    manifest = add_project("alpha") / "pyproject.toml"
    manifest.unlink()
    manifest.mkdir()
    (alpha,) = discover_projects(checkout)
    assert alpha.problem.why == "its pyproject.toml: Is a directory."


def test_a_manifest_of_another_name_is_a_problem(checkout, add_project):
    folder = add_project("alpha")
    folder.rename(folder.with_name("beta"))
    (beta,) = discover_projects(checkout)
    assert "root_module = 'alpha'" in beta.problem.why
    assert beta.problem.how == 'write root_module = "beta" there, or rename the folder.'


def test_a_project_without_definitions_is_a_problem(checkout, add_project):
    (add_project("alpha") / "src" / "alpha" / "definitions.py").unlink()
    (alpha,) = discover_projects(checkout)
    assert alpha.problem.why == "there is no src/alpha/definitions.py."


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("2fast", "lower-case letters"),
        ("Fast", "lower-case letters"),
        ("my-project", "lower-case letters"),
        ("", "lower-case letters"),
        ("class", "a word of the Python language"),
        ("match", "a word of the Python language"),
        ("json", "Python's own library"),
        ("dagster", "the platform uses that name"),
        ("atoll", "the platform uses that name"),
    ],
)
def test_a_name_that_would_break_later_is_refused_with_the_reason(name, reason):
    with pytest.raises(UserError) as refusal:
        check_name(name)
    assert reason in refusal.value.why


def test_a_fitting_name_is_accepted():
    check_name("vehicle_prices2")


def test_selecting_keeps_the_order_asked_for_and_names_what_is_unknown(checkout, add_project):
    add_project("alpha")
    add_project("beta")
    assert [p.name for p in select_projects(checkout, ["beta", "alpha", "beta"])] == ["beta", "alpha"]
    assert len(select_projects(checkout, [])) == 2
    with pytest.raises(UserError) as refusal:
        select_projects(checkout, ["gamma"])
    assert str(refusal.value) == (
        "what: there is no code location gamma.\n"
        "why:  code_locations/ has alpha, beta.\n"
        "how:  name one of those: ./atoll list"
    )


@pytest.mark.parametrize(
    ("text", "smoke"),
    [
        ("", None),
        ('select = "+features"', Smoke("+features")),
        ('select = "flights,weather"\npartition = "2013-01-06"', Smoke("flights,weather", "2013-01-06")),
    ],
)
def test_what_is_tried_after_a_delivery_stands_in_the_manifest(checkout, add_project, text, smoke):
    manifest = add_project("alpha") / "pyproject.toml"
    manifest.write_text(f"{manifest.read_text()}\n[tool.atoll.smoke]\n{text}\n")
    (alpha,) = discover_projects(checkout)
    assert alpha.problem is None
    assert alpha.smoke == smoke


@pytest.mark.parametrize(
    "text",
    [
        'smoke = "features"',
        '[tool.atoll.smoke]\nselect = ""',
        "[tool.atoll.smoke]\nselect = 1",
        '[tool.atoll.smoke]\npartition = "2013-01-06"',
        '[tool.atoll.smoke]\nselect = "a"\nwhen = "always"',
        '[tool.atoll.smoke]\nselect = "${{ secrets.KEY }}"',
        '[tool.atoll.smoke]\nselect = "a\\nb"',
    ],
)
def test_a_trial_that_is_not_said_as_it_is_said_is_refused(checkout, add_project, text):
    manifest = add_project("alpha") / "pyproject.toml"
    manifest.write_text(f"{manifest.read_text()}\n{text}\n")
    (alpha,) = discover_projects(checkout)
    assert alpha.problem is not None
    assert "smoke" in alpha.problem.why
