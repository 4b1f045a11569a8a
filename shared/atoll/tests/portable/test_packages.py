import platform
from importlib import metadata

from atoll.storage.packages import list_versions


def test_versions_of_what_is_required_are_those_that_are_installed():
    versions = list_versions("atoll")
    assert versions["pyarrow"] == metadata.version("pyarrow")
    assert versions["python"] == platform.python_version()


def test_what_only_an_extra_requires_is_left_out():
    assert "s3fs" not in list_versions("atoll")


def test_of_a_distribution_that_is_not_installed_only_python_is_known():
    assert list_versions("no-such-distribution") == {"python": platform.python_version()}


def test_a_requirement_that_is_not_installed_here_is_left_out(tmp_path, monkeypatch):
    info = tmp_path / "marked-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: marked\nVersion: 1.0\n"
        'Requires-Dist: no-such-package>=1; python_version < "3"\nRequires-Dist: dagster[extra]>=1.13,<2\n'
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    assert list(list_versions("marked")) == ["python", "dagster"]
