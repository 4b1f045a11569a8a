import pytest

from atoll_control.deployment.settings import list_environments, read_settings
from atoll_control.errors import UserError
from atoll_control.files import Checkout


@pytest.fixture
def write(checkout: Checkout):
    """Write the settings of an environment."""
    checkout.environments.mkdir(parents=True)

    def write(text: str, name: str = "staging") -> None:
        (checkout.environments / f"{name}.settings.toml").write_text(text)

    return write


def test_an_empty_file_is_an_environment_with_what_is_usual(checkout, write):
    write("")
    (checkout.environments / "staging.toml").write_text("")
    assert list_environments(checkout) == ["staging"]
    settings = read_settings(checkout, "staging")
    assert (settings.address, settings.listen, settings.profile) == ("https://localhost:8443", "127.0.0.1", "full")
    assert (settings.images.postgres, settings.images.proxy) == ("postgres:17", "caddy:2")


def test_an_environment_that_is_not_there_is_told_with_those_that_are(checkout, write):
    write("")
    with pytest.raises(UserError) as caught:
        read_settings(checkout, "stagin")
    assert caught.value.what == "there is no environment stagin."
    assert "staging" in caught.value.why


@pytest.mark.parametrize("name", ["registry", "Staging", "my-env", "1st"])
def test_a_name_that_containers_cannot_carry_is_refused(checkout, write, name):
    write("", name)
    with pytest.raises(UserError) as caught:
        read_settings(checkout, name)
    assert caught.value.what == f"{name} cannot be the name of an environment."


@pytest.mark.parametrize(
    ("text", "setting"),
    [
        ("port = 0", "port"),
        ('host = "a b"', "host"),
        ('listen = "0.0.0.0 -p 1:1"', "listen"),
        ('profile = "all"', "profile"),
        ("ports = 1", "ports"),
        ('images = {postgres = ""}', "images.postgres"),
        ("today = 2013", "today"),
    ],
)
def test_a_setting_that_is_not_valid_is_told_with_its_file(checkout, write, text, setting):
    write(text)
    with pytest.raises(UserError) as caught:
        read_settings(checkout, "staging")
    assert caught.value.what == f"the setting {setting} of staging is not valid."
    assert caught.value.why.startswith("deploy/environments/staging.settings.toml: ")


def test_the_address_is_as_browsers_write_it(checkout, write):
    write('host = "Data.Example"\nport = 443')
    settings = read_settings(checkout, "staging")
    assert (settings.host, settings.address) == ("data.example", "https://data.example")


def test_a_file_that_does_not_parse_is_told(checkout, write):
    write("port = ")
    with pytest.raises(UserError) as caught:
        read_settings(checkout, "staging")
    assert caught.value.what == "deploy/environments/staging.settings.toml cannot be read."
