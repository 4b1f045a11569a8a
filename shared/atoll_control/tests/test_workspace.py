import yaml

from atoll_control.projects import discover_projects
from atoll_control.workspace import drifted_files, render_workspace, write_derived


def test_each_project_runs_on_its_own_interpreter(checkout, add_project):
    add_project("alpha")
    (target,) = yaml.safe_load(render_workspace(discover_projects(checkout)))["load_from"]
    assert target == {
        "python_module": {
            "module_name": "alpha.definitions",
            "working_directory": "code_locations/alpha/src",
            "executable_path": "code_locations/alpha/.venv/bin/python",
            "location_name": "alpha",
        }
    }


def test_absolute_paths_are_for_processes_that_start_elsewhere(checkout, add_project):
    add_project("alpha")
    (target,) = yaml.safe_load(render_workspace(discover_projects(checkout), checkout.root))["load_from"]
    assert target["python_module"]["executable_path"] == str(
        checkout.root / "code_locations" / "alpha" / ".venv" / "bin" / "python"
    )


def test_derived_files_drift_with_the_folders_and_are_written_back(checkout, add_project):
    add_project("alpha")
    assert drifted_files(checkout, discover_projects(checkout)) == [checkout.workspace, checkout.dg]
    write_derived(checkout, discover_projects(checkout))
    assert drifted_files(checkout, discover_projects(checkout)) == []
    add_project("beta")
    assert drifted_files(checkout, discover_projects(checkout)) == [checkout.workspace, checkout.dg]
    write_derived(checkout, discover_projects(checkout))
    text = checkout.dg.read_text()
    assert "# A comment that a rewrite keeps." in text
    assert text.index("code_locations/alpha") < text.index("code_locations/beta")


def test_dgs_list_is_made_again_when_it_is_gone(checkout, add_project):
    add_project("alpha")
    checkout.dg.unlink()
    write_derived(checkout, discover_projects(checkout))
    assert drifted_files(checkout, discover_projects(checkout)) == []


def test_a_project_that_cannot_be_read_is_not_in_the_derived_files(checkout, add_project):
    add_project("alpha")
    (checkout.code_locations / "notes").mkdir()
    write_derived(checkout, discover_projects(checkout))
    assert "notes" not in checkout.workspace.read_text()
    assert "notes" not in checkout.dg.read_text()
