from pathlib import Path

import pytest
from pydantic import ValidationError

from atoll import UserError, settings
from atoll.configuration import find_root


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout's root, with a project in which the test works."""
    project = tmp_path / "code_locations" / "toy"
    project.mkdir(parents=True)
    (tmp_path / "workspace.yaml").touch()
    monkeypatch.chdir(project)
    return tmp_path


def test_without_anything_set_a_laptop_works_on_the_sample_in_the_checkouts_store(checkout):
    assert settings().profile == "sample"
    assert settings().sample
    assert settings().store == str(checkout / ".atoll" / "store")
    assert settings().log_level == "info"


def test_the_file_is_read_and_the_environment_wins(checkout, monkeypatch):
    (checkout / "atoll.toml").write_text('profile = "full"\nstore = "s3://bucket/prefix"\nlog_level = "error"\n')
    monkeypatch.setenv("ATOLL_STORE", "/somewhere")
    assert settings().profile == "full"
    assert not settings().sample
    assert settings().store == "/somewhere"
    assert settings().log_level == "error"


def test_settings_are_read_once_and_cannot_be_changed(checkout, monkeypatch):
    first = settings()
    monkeypatch.setenv("ATOLL_PROFILE", "full")
    assert settings() is first
    with pytest.raises(ValidationError):
        first.profile = "full"


def test_an_empty_variable_counts_as_not_set(checkout, monkeypatch):
    monkeypatch.setenv("ATOLL_PROFILE", "")
    monkeypatch.setenv("ATOLL_STORE", "")
    assert settings().profile == "sample"
    assert settings().store == str(checkout / ".atoll" / "store")


def test_the_log_level_may_be_in_capitals(checkout, monkeypatch):
    monkeypatch.setenv("ATOLL_LOG_LEVEL", "DEBUG")
    assert settings().log_level == "debug"


def test_a_relative_store_is_one_in_the_checkout_wherever_one_works(checkout, monkeypatch):
    monkeypatch.setenv("ATOLL_STORE", "data/store")
    assert settings().store == str(checkout / "data" / "store")


def test_a_store_below_home_is_expanded(checkout, monkeypatch):
    monkeypatch.setenv("HOME", "/home/ada")
    monkeypatch.setenv("ATOLL_STORE", "~/store")
    assert settings().store == "/home/ada/store"


def test_the_root_can_be_named(tmp_path, monkeypatch):
    monkeypatch.setenv("ATOLL_ROOT", str(tmp_path))
    assert find_root() == tmp_path
    assert settings().store == str(tmp_path / ".atoll" / "store")


def test_a_root_that_is_no_folder_is_explained(tmp_path, monkeypatch):
    monkeypatch.setenv("ATOLL_ROOT", str(tmp_path / "gone"))
    with pytest.raises(UserError) as caught:
        settings()
    assert str(caught.value) == (
        "The checkout cannot be found.\n"
        f"The environment variable ATOLL_ROOT names {tmp_path / 'gone'}, which is no folder.\n"
        "Set ATOLL_ROOT to the checkout's folder, or remove it."
    )


def test_without_a_checkout_only_the_use_of_the_store_fails(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("atoll.configuration.__file__", str(tmp_path / "atoll" / "configuration.py"))
    assert settings().sample
    with pytest.raises(UserError) as caught:
        _ = settings().store
    assert str(caught.value) == (
        "There is no store to read from or write to.\n"
        "The setting `store` is not set, and there is no checkout (code_locations/ and workspace.yaml) above.\n"
        "Set ATOLL_STORE to a folder or to s3://bucket/prefix, or start in the checkout."
    )


def test_the_checkout_is_also_found_above_the_library(tmp_path, checkout, monkeypatch):
    monkeypatch.chdir("/")
    monkeypatch.setattr("atoll.configuration.__file__", str(checkout / "shared" / "atoll" / "configuration.py"))
    assert find_root() == checkout


def test_tracking_is_by_default_the_database_in_the_checkout(checkout):
    assert settings().tracking == f"sqlite:///{checkout}/.atoll/mlflow/mlflow.db"


def test_tracking_is_read_from_the_file_and_the_environment_wins(checkout, monkeypatch):
    (checkout / "atoll.toml").write_text('tracking = "https://mlflow.example.org"\n')
    assert settings().tracking == "https://mlflow.example.org"
    settings.cache_clear()
    monkeypatch.setenv("ATOLL_TRACKING", "http://127.0.0.1:5000")
    assert settings().tracking == "http://127.0.0.1:5000"


def test_without_a_checkout_only_the_use_of_tracking_fails(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("atoll.configuration.__file__", str(tmp_path / "atoll" / "configuration.py"))
    with pytest.raises(UserError) as caught:
        _ = settings().tracking
    assert caught.value.what == "There is no MLflow to track with."
    assert caught.value.why.startswith("The setting `tracking` is not set, and there is no checkout (code_locations/")
    assert "ATOLL_TRACKING" in caught.value.how


def test_a_wrong_value_in_the_environment_is_explained(checkout, monkeypatch):
    monkeypatch.setenv("ATOLL_PROFILE", "hunter2")
    with pytest.raises(UserError) as caught:
        settings()
    assert str(caught.value) == (
        "The setting `profile` is not valid.\n"
        "It is set in the environment variable ATOLL_PROFILE.\n"
        "Correct it there: Input should be 'sample' or 'full'."
    )


def test_a_wrong_type_in_the_file_is_explained_without_the_value(checkout):
    (checkout / "atoll.toml").write_text('store = ["hunter2"]\n')
    with pytest.raises(UserError) as caught:
        settings()
    assert str(caught.value) == (
        "The setting `store` is not valid.\n"
        f"It is set in {checkout / 'atoll.toml'}.\n"
        "Correct it there: Input should be a valid string."
    )


def test_an_unknown_setting_in_the_file_is_explained(checkout):
    (checkout / "atoll.toml").write_text('profil = "hunter2"\n')
    with pytest.raises(UserError) as caught:
        settings()
    assert str(caught.value) == (
        "The setting `profil` is unknown.\n"
        f"It is set in {checkout / 'atoll.toml'}.\n"
        "Remove it there; the settings are: profile, store, log_level, today, automation, sensor_interval, "
        "keep_runs_days, tracking, page, tracking_page."
    )


@pytest.mark.parametrize("content", [b'profile = "sample\n', b"profile = \xff\n"])
def test_a_file_that_is_no_toml_is_explained(checkout, content):
    (checkout / "atoll.toml").write_bytes(content)
    with pytest.raises(UserError) as caught:
        settings()
    assert caught.value.what == f"The file {checkout / 'atoll.toml'} cannot be read."
    assert caught.value.how == "Correct or remove it."


def test_credentials_in_urls_are_not_printed(checkout, monkeypatch):
    monkeypatch.setenv("ATOLL_STORE", "ftp://ada:hunter2@host/store")
    monkeypatch.setenv("ATOLL_TRACKING", "https://ada:hunter2@mlflow.example.org")
    assert "hunter2" not in repr(settings())
    assert "hunter2" not in str(settings())
