from atoll_control.environments import environment_problem
from atoll_control.services import discover_services


def test_a_service_is_a_folder_under_deploy_with_a_manifest(checkout):
    for name in ("mlflow", "cache"):
        (checkout.deploy / name).mkdir(parents=True)
        (checkout.deploy / name / "pyproject.toml").touch()
    (checkout.deploy / "proxy").mkdir()
    assert [service.name for service in discover_services(checkout)] == ["cache", "mlflow"]


def test_without_deploy_there_is_none(checkout):
    assert discover_services(checkout) == []


def test_a_service_that_is_not_installed_is_mended_by_sync(checkout, add_project):
    folder = checkout.deploy / "alpha"
    checkout.deploy.mkdir()
    add_project("alpha").rename(folder)
    (folder / "pyproject.toml").write_text('[project]\nname = "alpha"\nversion = "1"\n[tool.uv]\npackage = false\n')
    (folder / "uv.lock").unlink(missing_ok=True)
    (service,) = discover_services(checkout)
    problem = environment_problem(service)
    assert problem is not None
    assert problem.how == "./atoll uv lock --project deploy/alpha"
