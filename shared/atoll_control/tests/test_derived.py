from atoll_control.derived import find_drifted, write_derived
from atoll_control.projects import discover_projects


def test_derived_files_drift_with_the_folders_and_are_written_back(checkout, add_project):
    add_project("alpha")
    assert list(find_drifted(checkout, discover_projects(checkout))) == [
        checkout.workspace,
        checkout.dg,
        checkout.compose,
        checkout.delivery,
    ]
    write_derived(checkout, discover_projects(checkout))
    assert list(find_drifted(checkout, discover_projects(checkout))) == []
    add_project("beta")
    assert list(find_drifted(checkout, discover_projects(checkout))) == [
        checkout.workspace,
        checkout.dg,
        checkout.compose,
    ]
    write_derived(checkout, discover_projects(checkout))
    text = checkout.dg.read_text()
    assert "# A comment that a rewrite keeps." in text
    assert text.index("code_locations/alpha") < text.index("code_locations/beta")


def test_dgs_list_is_made_again_when_it_is_gone(checkout, add_project):
    add_project("alpha")
    checkout.dg.unlink()
    write_derived(checkout, discover_projects(checkout))
    assert list(find_drifted(checkout, discover_projects(checkout))) == []


def test_a_project_that_cannot_be_read_is_not_in_the_derived_files(checkout, add_project):
    add_project("alpha")
    (checkout.code_locations / "notes").mkdir()
    write_derived(checkout, discover_projects(checkout))
    for path in (checkout.workspace, checkout.dg, checkout.compose, checkout.delivery):
        assert "notes" not in path.read_text()
