import yaml

from atoll_control.projects import discover_projects
from atoll_control.workspace import render_workspace


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
